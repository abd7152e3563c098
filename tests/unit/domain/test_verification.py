"""The authorizer's steps a to f: each refusal, each boundary, and that nothing happens before its turn."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from portcullis.aws import ed25519
from portcullis.domain.verification import KeyRecord, Verified, verify
from portcullis.protocol import keys, signing
from portcullis.protocol.credentials import Refused, SignedRequest
from tests.unit.domain.builders import KEY_ID, NOW, key_record

SECRET = keys.secret_from_mac("test", bytes(range(32)))
SECONDS = NOW // 1_000_000
NONCE = "nonce-0123456789"
BODY = b'{"amount":"1"}'
PATH = "/test/v1/transactions"
QUERY = (("b", "2"), ("a", "x y"), ("b", "1"))
HOUR = 3_600_000_000


def signed(timestamp: int = SECONDS, secret: str = SECRET, key_id: str = KEY_ID) -> SignedRequest:
    """A request as an SDK signs it."""
    query = signing.canonical_query(QUERY)
    headers = signing.signed_headers(key_id, secret, "POST", PATH, query, BODY, timestamp, NONCE)
    return SignedRequest("POST", PATH, QUERY, {name.lower(): [value] for name, value in headers.items()}, "203.0.113.7")


def with_header(request: SignedRequest, name: str, *values: str) -> SignedRequest:
    return replace(request, headers={**request.headers, name.lower(): list(values)})


@dataclass
class Gate:
    """The stores as verify() sees them, and the order in which it used them."""

    key: KeyRecord | None = field(default_factory=key_record)
    first: bool = True
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def steps(self) -> list[str]:
        return [call[0] for call in self.calls]

    def judge(self, request: SignedRequest, now: int = NOW, stage: str = "test") -> Verified | Refused:
        return verify(
            request,
            stage=stage,
            now=now,
            find_key=self._find,
            secret_of=self._derive,
            check_ed25519=self._check,
            claim_nonce=self._claim,
        )

    def _find(self, key_id: str) -> KeyRecord | None:
        self.calls.append(("find", key_id))
        return self.key

    def _derive(self, key_id: str) -> str:
        self.calls.append(("derive", key_id))
        return SECRET

    def _check(self, public_key: bytes, text: str, signature: str) -> bool:
        self.calls.append(("check", public_key))
        return ed25519.verifies(public_key, text, signature)

    def _claim(self, key_id: str, nonce: str, timestamp: int) -> bool:
        self.calls.append(("claim", key_id, nonce, timestamp))
        return self.first


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The secrets under which a signature was compared."""
    secrets: list[str] = []
    matches: Callable[[str, str, str], bool] = signing.matches

    def spy(secret: str, text: str, signature: str) -> bool:
        secrets.append(secret)
        return matches(secret, text, signature)

    monkeypatch.setattr(signing, "matches", spy)
    return secrets


def test_a_signed_request_is_verified_in_order(gate: Gate) -> None:
    verdict = gate.judge(signed())

    assert verdict == Verified(key_record(), signing.body_digest(BODY))
    assert gate.calls == [("find", KEY_ID), ("derive", KEY_ID), ("claim", KEY_ID, NONCE, SECONDS)]


# a. every credential, once, well formed


@pytest.mark.parametrize("name", signing.CREDENTIAL_HEADERS)
def test_a_missing_credential(gate: Gate, name: str) -> None:
    request = signed()
    absent = replace(request, headers={key: value for key, value in request.headers.items() if key != name.lower()})

    assert gate.judge(absent) == Refused("missing_credentials")
    assert gate.judge(with_header(request, name)) == Refused("missing_credentials")
    assert gate.calls == []


@pytest.mark.parametrize("name", signing.CREDENTIAL_HEADERS)
@pytest.mark.parametrize("value", ["", " ", "x", "{}, {}", "{}\n", " {}", "é", "\ud800", "0" * 64 + "\n"])
def test_a_malformed_credential(gate: Gate, name: str, value: str) -> None:
    good = signed().headers[name.lower()][0]

    assert gate.judge(with_header(signed(), name, value.replace("{}", good))) == Refused("malformed_credentials")
    assert gate.calls == []


@pytest.mark.parametrize("name", [signing.DIGEST_HEADER, signing.SIGNATURE_HEADER])
def test_hex_in_upper_case_is_malformed(gate: Gate, name: str) -> None:
    value = signed().headers[name.lower()][0].upper()
    assert gate.judge(with_header(signed(), name, value)) == Refused("malformed_credentials")


def test_a_typing_error_in_the_key_id_costs_no_look_up(gate: Gate) -> None:
    typed = KEY_ID[:-1] + ("0" if KEY_ID[-1] != "0" else "1")

    assert gate.judge(with_header(signed(), "x-api-key", typed)) == Refused("malformed_credentials")
    assert gate.calls == []


def test_a_key_of_another_stage_is_malformed(gate: Gate) -> None:
    assert gate.judge(signed(), stage="live") == Refused("malformed_credentials")
    assert gate.calls == []


@pytest.mark.parametrize(
    "change",
    [
        {"path": "test"},
        {"method": "post"},
        {"query": [("a", "\ud800")]},
    ],
)
def test_a_target_without_canonical_form(gate: Gate, change: dict[str, Any]) -> None:
    assert gate.judge(replace(signed(), **change)) == Refused("malformed_credentials")
    assert gate.calls == []


# b. the timestamp


@pytest.mark.parametrize("off", [-300_000_000, -1, 0, 1, 300_000_000])
def test_a_timestamp_within_300_seconds(gate: Gate, off: int) -> None:
    assert isinstance(gate.judge(signed(), now=NOW + off), Verified)


@pytest.mark.parametrize("off", [-300_000_001, 300_000_001, -HOUR, HOUR])
def test_a_timestamp_one_microsecond_outside(gate: Gate, off: int) -> None:
    assert gate.judge(signed(), now=NOW + off) == Refused("timestamp_out_of_window")
    assert gate.calls == []


# c and d. the key record and the signature


def test_an_unknown_key_costs_a_comparison_all_the_same(gate: Gate, compared: list[str]) -> None:
    gate.key = None

    assert gate.judge(signed()) == Refused("invalid_credentials")
    assert gate.steps == ["find"]
    assert len(compared) == 1
    assert compared[0] != SECRET
    assert 0 < len(compared[0]) <= hashlib.sha256().block_size


def test_the_signature_is_compared_once(gate: Gate, compared: list[str]) -> None:
    gate.judge(signed())
    assert compared == [SECRET]


def test_the_order_of_the_query_is_not_signed(gate: Gate) -> None:
    assert isinstance(gate.judge(replace(signed(), query=tuple(reversed(QUERY)))), Verified)


def test_another_secret(gate: Gate) -> None:
    request = signed(secret=keys.secret_from_mac("test", bytes(32)))
    assert gate.judge(request) == Refused("invalid_credentials")
    assert gate.steps == ["find", "derive"]


# e. the key's state, end and ranges


@pytest.mark.parametrize("state", ["active", "retiring"])
def test_a_usable_state(gate: Gate, state: str) -> None:
    gate.key = key_record(state=state)
    assert isinstance(gate.judge(signed()), Verified)


@pytest.mark.parametrize("state", ["revoked", "pending", "", "ACTIVE"])
def test_any_other_state(gate: Gate, state: str, compared: list[str]) -> None:
    gate.key = key_record(state=state)

    assert gate.judge(signed()) == Refused("invalid_credentials")
    assert "claim" not in gate.steps
    assert compared == [SECRET]


@pytest.mark.parametrize("state", ["active", "retiring"])
def test_the_end_is_exact_to_the_microsecond(gate: Gate, state: str) -> None:
    gate.key = key_record(state=state, ends_at=NOW + HOUR)
    request = signed(timestamp=(NOW + HOUR) // 1_000_000)

    assert isinstance(gate.judge(request, now=NOW + HOUR - 1), Verified)
    assert gate.judge(request, now=NOW + HOUR) == Refused("invalid_credentials")
    assert gate.judge(request, now=NOW + HOUR + 1) == Refused("invalid_credentials")


RANGES = [
    (("203.0.113.7/32",), "203.0.113.7", True),
    (("203.0.113.0/24",), "203.0.113.255", True),
    (("203.0.113.0/24",), "203.0.114.0", False),
    (("198.51.100.0/24", "203.0.113.0/24"), "203.0.113.1", True),
    (("0.0.0.0/0",), "2001:db8::1", False),
    (("::/0",), "203.0.113.7", False),
    (("2001:db8::/32",), "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", True),
    (("2001:db8::/32",), "2001:db9::", False),
    (("2001:db8::1/128",), "2001:0DB8:0:0:0:0:0:1", True),
    (("::/0", "203.0.113.0/24"), "203.0.113.7", True),
    (("0.0.0.0/0", "::/0"), "unknown", False),
    (("0.0.0.0/0", "::/0"), "", False),
    (("0.0.0.0/0", "::/0"), "203.0.113.7, 10.0.0.1", False),
    ((), "unknown", True),
]


@pytest.mark.parametrize(("ranges", "source", "allowed"), RANGES)
def test_the_source_address_must_be_in_a_range(gate: Gate, ranges: tuple[str, ...], source: str, allowed: bool) -> None:
    gate.key = key_record(ip_ranges=ranges)
    verdict = gate.judge(replace(signed(), source_ip=source))

    assert isinstance(verdict, Verified) == allowed
    assert allowed or verdict == Refused("ip_not_allowed")
    assert ("claim" in gate.steps) == allowed


def test_the_range_is_told_only_to_who_has_the_secret(gate: Gate) -> None:
    gate.key = key_record(ip_ranges=("198.51.100.0/24",))
    assert gate.judge(with_header(signed(), "x-signature", "0" * 64)) == Refused("invalid_credentials")


# f. the nonce


def test_a_replay_is_found_last(gate: Gate) -> None:
    gate.first = False

    assert gate.judge(signed()) == Refused("nonce_replayed")
    assert gate.steps == ["find", "derive", "claim"]


def test_the_nonce_is_claimed_for_the_keys_own_id(gate: Gate) -> None:
    gate.judge(signed())
    assert gate.calls[-1] == ("claim", key_record().key_id, NONCE, SECONDS)


def test_the_key_stands_in_the_account_by_its_body_and_version() -> None:
    assert key_record(version=3).live_name == f"{keys.parse_key_id(KEY_ID).body}#3"
