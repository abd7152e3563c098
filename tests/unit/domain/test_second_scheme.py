"""Steps a to f for HTTP message signatures: what is covered cannot change, what cannot be rebuilt is refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portcullis.client import hmac_signer
from portcullis.domain.verification import KeyRecord, Verified, verify
from portcullis.protocol import keys, message_signatures, signing
from portcullis.protocol.credentials import Refused, SignedRequest
from portcullis.protocol.message_signatures import Message, MessageSigner
from portcullis.protocol.structured_fields import Item, serialize
from tests.unit.domain.builders import KEY_ID, NOW, key_record
from tests.unit.domain.test_verification import BODY, NONCE, PATH, QUERY, SECONDS, SECRET, Gate
from tests.unit.domain.test_verification import signed as signed_first

PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ED25519 = MessageSigner("ed25519", PRIVATE_KEY.sign)
HMAC = hmac_signer(KEY_ID, SECRET)
REQUIRED = '"@method" "@authority" "@path" "@query" "content-digest"'


def ed25519_record(**changes: Any) -> KeyRecord:
    return key_record(algorithm="ed25519", public_key=PRIVATE_KEY.public_key().public_bytes_raw(), **changes)


def signed(signer: MessageSigner = HMAC, created: int = SECONDS) -> SignedRequest:
    """A request as an SDK signs it."""
    fields = {"host": ["API.example.com:443"], "content-type": ["application/json"]}
    message = Message("POST", PATH, signing.canonical_query(QUERY), fields)
    headers = message_signatures.signed_headers(KEY_ID, signer, message, BODY, created, NONCE)
    return SignedRequest("POST", PATH, QUERY, {**fields, **values(headers)}, "203.0.113.7")


def values(headers: dict[str, str]) -> dict[str, list[str]]:
    return {name.lower(): [value] for name, value in headers.items()}


def with_header(request: SignedRequest, name: str, *found: str) -> SignedRequest:
    return replace(request, headers={**request.headers, name: list(found)})


def resigned(components: str, parameters: str, **headers: list[str]) -> SignedRequest:
    """A request whose signature is right, over any components and parameters that can be rebuilt."""
    request = signed()
    fields = {**request.headers, **{name.replace("_", "-"): found for name, found in headers.items()}}
    given = message_signatures.parse_input(f"sig1=({components}){parameters}")
    message = Message("POST", PATH, signing.canonical_query(QUERY), fields)
    try:
        base = message_signatures.signature_base(message, given)
    except signing.MalformedRequest:
        base = "none"
    signature = serialize(Item(HMAC.sign(base.encode())))
    fields |= {"signature-input": [f"sig1=({components}){parameters}"], "signature": [f"sig1={signature}"]}
    return replace(request, headers=fields)


def parameters(**changes: str | None) -> str:
    """The parameters of a good signature, with ``changes``; None leaves one out."""
    good: dict[str, str | None] = {"created": str(SECONDS), "nonce": f'"{NONCE}"', "keyid": f'"{KEY_ID}"'}
    return "".join(f";{name}={value}" for name, value in {**good, **changes}.items() if value is not None)


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_an_hmac_request_is_verified_in_order(gate: Gate) -> None:
    assert gate.judge(signed()) == Verified(key_record(), signing.body_digest(BODY))
    assert gate.calls == [("find", KEY_ID), ("derive", KEY_ID), ("claim", KEY_ID, NONCE, SECONDS)]


def test_an_ed25519_request_is_verified_without_a_secret(gate: Gate) -> None:
    gate.key = ed25519_record()
    assert gate.judge(signed(ED25519)) == Verified(ed25519_record(), signing.body_digest(BODY))
    assert gate.steps == ["find", "check", "claim"]


# a. one scheme, every credential once, well formed


@pytest.mark.parametrize("name", ["signature", "signature-input", "content-digest"])
def test_a_missing_credential(gate: Gate, name: str) -> None:
    assert gate.judge(with_header(signed(), name)) == Refused("missing_credentials")
    assert gate.calls == []


@pytest.mark.parametrize("name", signing.CREDENTIAL_HEADERS)
@pytest.mark.parametrize("other", ["signature", "signature-input"])
def test_both_schemes_at_once(gate: Gate, name: str, other: str) -> None:
    first = signed_first().headers[name.lower()][0]
    assert gate.judge(with_header(signed(), name.lower(), first)) == Refused("malformed_credentials")
    second = signed().headers[other][0]
    assert gate.judge(with_header(signed_first(), other, second)) == Refused("malformed_credentials")
    assert gate.calls == []


def test_a_content_digest_beside_the_first_scheme_is_an_ordinary_header(gate: Gate) -> None:
    assert isinstance(gate.judge(with_header(signed_first(), "content-digest", "sha-512=:AAAA:")), Verified)


@pytest.mark.parametrize("dropped", message_signatures.REQUIRED_COMPONENTS)
def test_each_required_component_must_be_covered(gate: Gate, dropped: str) -> None:
    components = " ".join(f'"{name}"' for name in message_signatures.REQUIRED_COMPONENTS if name != dropped)
    assert gate.judge(resigned(components, parameters())) == Refused("malformed_credentials")


@pytest.mark.parametrize("more", ['"content-type"', '"host"', '"x-empty" "content-type"'])
def test_an_ordinary_field_may_be_covered(gate: Gate, more: str) -> None:
    assert isinstance(gate.judge(resigned(f"{REQUIRED} {more}", parameters(), x_empty=[""])), Verified)


UNCOVERABLE = ["@target-uri", "@scheme", "@request-target", "@query-param", "@status", "signature", "signature-input"]


@pytest.mark.parametrize("name", [*UNCOVERABLE, "absent", "Content-Type", "a b", "x-twice", "x-newline", "x-accent"])
def test_what_cannot_be_rebuilt_is_refused(gate: Gate, name: str) -> None:
    odd = {"x_twice": ["a", "b"], "x_newline": ['a\n"@method": GET'], "x_accent": ["é"]}
    assert gate.judge(resigned(f'{REQUIRED} "{name}"', parameters(), **odd)) == Refused("malformed_credentials")
    assert gate.calls == []


@pytest.mark.parametrize("name", ["sf", "bs", "req", "tr"])
def test_a_component_with_parameters_is_refused(gate: Gate, name: str) -> None:
    (value,) = signed().headers["signature-input"]
    changed = value.replace('"content-digest"', f'"content-digest";{name}')
    assert gate.judge(with_header(signed(), "signature-input", changed)) == Refused("malformed_credentials")


PARAMETERS: list[dict[str, str | None]] = [
    {"created": None},
    {"created": "0"},
    {"created": "-1"},
    {"created": "1000000000000"},
    {"expires": "0"},
    {"nonce": None},
    {"nonce": '"short"'},
    {"nonce": f'"{"n" * 129}"'},
    {"nonce": '"nonce 0123456789"'},
    {"keyid": None},
    {"keyid": '"test-key"'},
    {"keyid": f'"{KEY_ID[:-1]}?"'},
    {"alg": '"ed25519"'},
    {"alg": '"rsa-v1_5-sha256"'},
    {"alg": '""'},
]


@pytest.mark.parametrize("change", PARAMETERS, ids=str)
def test_a_parameter_that_is_missing_or_malformed(gate: Gate, change: dict[str, str | None]) -> None:
    assert gate.judge(resigned(REQUIRED, parameters(**change))) == Refused("malformed_credentials")
    assert gate.calls == []


@pytest.mark.parametrize("change", [{"alg": '"hmac-sha256"'}, {"tag": '"web-bot-auth"'}, {"expires": str(SECONDS + 9)}])
def test_an_optional_parameter_is_accepted(gate: Gate, change: dict[str, str | None]) -> None:
    assert isinstance(gate.judge(resigned(REQUIRED, parameters(**change))), Verified)


def test_two_labels_are_refused(gate: Gate) -> None:
    (given,), (signature,) = signed().headers["signature-input"], signed().headers["signature"]
    both = with_header(signed(), "signature-input", f"{given}, {given.replace('sig1', 'sig2')}")
    assert gate.judge(both) == Refused("malformed_credentials")
    renamed = with_header(signed(), "signature", signature.replace("sig1", "sig2"))
    assert gate.judge(renamed) == Refused("malformed_credentials")


def test_a_key_of_another_stage_is_malformed(gate: Gate) -> None:
    assert gate.judge(signed(), stage="live") == Refused("malformed_credentials")


# b. created and expires


@pytest.mark.parametrize(
    ("off", "accepted"), [(-300_000_000, True), (300_000_000, True), (-300_000_001, False), (300_000_001, False)]
)
def test_created_is_within_300_seconds(gate: Gate, off: int, accepted: bool) -> None:
    verdict = gate.judge(signed(), now=NOW + off)
    assert isinstance(verdict, Verified) if accepted else verdict == Refused("timestamp_out_of_window")


@pytest.mark.parametrize(("expires", "accepted"), [(SECONDS + 1, True), (SECONDS, False), (SECONDS - 1, False)])
def test_expires_is_honoured_to_the_microsecond(gate: Gate, expires: int, accepted: bool) -> None:
    request = resigned(REQUIRED, parameters(expires=str(expires)))
    verdict = gate.judge(request, now=NOW + 999_999)
    assert isinstance(verdict, Verified) if accepted else verdict == Refused("timestamp_out_of_window")


# c and d. the key and the signature


SIGNERS: list[tuple[MessageSigner, Callable[..., KeyRecord]]] = [(HMAC, key_record), (ED25519, ed25519_record)]
both = pytest.mark.parametrize(("signer", "record"), SIGNERS, ids=["hmac-sha256", "ed25519"])


@both
def test_the_label_is_not_covered(gate: Gate, signer: MessageSigner, record: Any) -> None:
    """RFC 9421 section 7.2.6."""
    gate.key = record()
    request = signed(signer)
    headers = {name: [found[0].replace("sig1=", "sig2=")] for name, found in request.headers.items()}
    assert isinstance(gate.judge(replace(request, headers=headers)), Verified)


def test_an_ed25519_key_has_no_secret(gate: Gate) -> None:
    gate.key = ed25519_record()
    assert gate.judge(signed_first()) == Refused("invalid_credentials")
    assert gate.judge(signed(HMAC)) == Refused("invalid_credentials")
    assert "derive" not in gate.steps


def test_an_hmac_key_takes_no_ed25519_signature(gate: Gate) -> None:
    assert gate.judge(signed(ED25519)) == Refused("invalid_credentials")
    assert "claim" not in gate.steps


def test_a_signature_of_another_key(gate: Gate) -> None:
    gate.key = ed25519_record()
    stranger = MessageSigner("ed25519", Ed25519PrivateKey.from_private_bytes(bytes(32)).sign)
    assert gate.judge(signed(stranger)) == Refused("invalid_credentials")


def test_a_malleated_signature_is_refused(gate: Gate) -> None:
    """S + L satisfies the equation too; RFC 8032 section 5.1.7 refuses it."""
    order = 2**252 + 27742317777372353535851937790883648493
    gate.key = ed25519_record()

    def malleated(base: bytes) -> bytes:
        signature = PRIVATE_KEY.sign(base)
        return signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")

    assert gate.judge(signed(MessageSigner("ed25519", malleated))) == Refused("invalid_credentials")


def test_an_unknown_key_costs_a_comparison_of_its_algorithm(gate: Gate) -> None:
    gate.key = None
    assert gate.judge(signed(ED25519)) == Refused("invalid_credentials")
    assert gate.steps == ["find", "check"]
    assert gate.calls[1][1] != ed25519_record().public_key


# e and f


@both
def test_state_range_and_nonce_hold_for_both(gate: Gate, signer: MessageSigner, record: Any) -> None:
    gate.key = record(state="revoked")
    assert gate.judge(signed(signer)) == Refused("invalid_credentials")
    gate.key = record(ip_ranges=("198.51.100.0/24",))
    assert gate.judge(signed(signer)) == Refused("ip_not_allowed")
    gate.key, gate.first = record(), False
    assert gate.judge(signed(signer)) == Refused("nonce_replayed")


def test_a_key_without_canonical_id_is_never_looked_up() -> None:
    called: list[str] = []
    request = resigned(REQUIRED, parameters(keyid=f'"{keys.new_key_id("live", "0", bytes(20))}"'))
    verdict = verify(
        request,
        stage="test",
        now=NOW,
        find_key=lambda key_id: called.append(key_id),
        secret_of=lambda key_id: SECRET,
        check_ed25519=lambda *_: True,
        claim_nonce=lambda *_: True,
    )
    assert (verdict, called) == (Refused("malformed_credentials"), [])
