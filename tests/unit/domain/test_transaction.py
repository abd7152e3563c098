"""What an agent may ask for: every kind's fields, one destination, one canonical content."""

import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain.addresses import evm_checksum
from portcullis.domain.transaction import MAX_CONTENT_BYTES, MAX_MEMO_BYTES, parse_transaction
from portcullis.protocol.strict_json import MalformedInput
from tests.unit.domain.builders import AGENT, KINDS, WALLET, body, transaction

SPECIFIC = {name: value for fields in KINDS.values() for name, value in fields.items()}
DESTINATIONS: dict[str, Any] = {
    "wallet": WALLET,
    "contract": WALLET,
    "agent": AGENT,
    "merchant": {"id": "shop-1", "category": "books"},
}


def refused(reason: str, fields: dict[str, Any]) -> None:
    """Assert that ``fields`` are refused for a reason that begins so."""
    with pytest.raises(MalformedInput, match=f"^{reason}"):
        parse_transaction(json.dumps(fields))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_valid_form(kind: str) -> None:
    parsed = transaction(kind)

    assert json.loads(parsed.content) == body(kind)
    assert (parsed.amount, parsed.token) == (Decimal("12.5"), "USDC")
    assert parsed.destination == ("wallet", f"base:{WALLET}")


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind, fields in KINDS.items() for field in fields])
def test_a_kind_requires_its_fields(kind: str, field: str) -> None:
    fields = body(kind)
    del fields[field]
    refused(f"body: {field} is required in a {kind}", fields)
    refused(f"body: {field} is required in a {kind}", {**fields, field: None})


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind, fields in KINDS.items() for field in SPECIFIC if field not in fields]
)
def test_a_kind_refuses_what_belongs_to_others(kind: str, field: str) -> None:
    refused(f"body: {field} does not belong in a {kind}", {**body(kind), field: SPECIFIC[field]})


@pytest.mark.parametrize("field", ["kind", "amount", "token", "chain", "destination"])
def test_what_every_kind_requires(field: str) -> None:
    fields = body()
    del fields[field]
    refused(f"{field}: Field required", fields)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("kind", "gift", "kind: Input should be 'transfer', "),
        ("amount", 12.5, "body: numbers with a fraction"),
        ("amount", 12, "amount: Input should be a valid string"),
        ("amount", "0", "amount: expected an amount greater than zero"),
        ("amount", "-1", "amount: expected a decimal string"),
        ("amount", "1e3", "amount: expected a decimal string"),
        ("token", "usdc", "token: String should match"),
        ("token", "A" * 13, "token: String should match"),
        ("token", "USDC\n", "token: String should match"),
        ("token", "", "token: String should match"),
        ("chain", "dogecoin", "chain: Input should be 'ethereum', "),
        ("chain", "Base", "chain: Input should be 'ethereum', "),
        ("instructed_by", "ag_short", "instructed_by: String should match"),
        ("usd", "1", "usd: unknown field"),
        ("status", "approved", "status: unknown field"),
        ("memo", 1, "memo: Input should be a valid string"),
        ("memo", "a\nb", "memo: printable characters only"),
        ("memo", "\u202eabc", "memo: printable characters only"),
        ("memo", "a\u0000", "memo: printable characters only"),
        ("memo", "\ud800", "body: a lone surrogate is no character"),
        ("memo", "fu\u0308r", "memo: write it in Unicode's normalization form C"),
        ("memo", "\u212b", "memo: write it in Unicode's normalization form C"),
        ("memo", "a" * (MAX_MEMO_BYTES + 1), "memo: at most 140 bytes of UTF-8"),
        ("memo", "\u00e9" * 71, "memo: at most 140 bytes of UTF-8"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any, reason: str) -> None:
    refused(reason, {**body(), field: value})


@pytest.mark.parametrize("memo", ["", " ", "a" * MAX_MEMO_BYTES, "\u00e9" * 70, "\U0001f600" * 35])
def test_a_memo_of_up_to_140_bytes_is_kept(memo: str) -> None:
    assert json.loads(transaction(memo=memo).content)["memo"] == memo


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("swap", "token_out", "eth"),
        ("swap", "min_out", "0"),
        ("escrow_create", "escrow_id", "a b"),
        ("escrow_create", "escrow_id", "a" * 65),
        ("contract_call", "call", {"selector": "0xa9059cbb"}),
        ("contract_call", "call", {"selector": "a9059cbb", "data_sha256": "0" * 64}),
        ("contract_call", "call", {"selector": "0xA9059CBB", "data_sha256": "0" * 64}),
        ("contract_call", "call", {"selector": "0xa9059cbb", "data_sha256": "0" * 63}),
        ("contract_call", "call", {"selector": "0xa9059cbb", "data_sha256": "0" * 64, "data": "0x"}),
    ],
)
def test_a_wrong_field_of_a_kind_is_named(kind: str, field: str, value: Any) -> None:
    refused(f"{field}", {**body(kind), field: value})


@pytest.mark.parametrize("layer", DESTINATIONS)
def test_every_destination(layer: str) -> None:
    expected = {"wallet": f"base:{WALLET}", "contract": f"base:{WALLET}", "agent": AGENT, "merchant": "shop-1"}
    assert transaction(destination={layer: DESTINATIONS[layer]}).destination == (layer, expected[layer])


@pytest.mark.parametrize("one", DESTINATIONS)
@pytest.mark.parametrize("other", DESTINATIONS)
def test_two_destinations_are_none(one: str, other: str) -> None:
    fields = body(destination={one: DESTINATIONS[one], other: DESTINATIONS[other]})
    if one == other:
        assert parse_transaction(json.dumps(fields)).destination[0] == one
    else:
        refused("destination: give exactly one of", fields)


@pytest.mark.parametrize(
    ("destination", "reason"),
    [
        ({}, "destination: give exactly one of"),
        ({"wallet": None}, "destination: give exactly one of"),
        ({"wallet": WALLET, "agent": None}, "destination: give exactly one of"),
        ({"wallet": ""}, "destination.wallet: String should have at least 1 character"),
        ({"wallet": "0x12"}, "destination.wallet: expected 0x and 40 hexadecimal digits"),
        ({"wallet": "1" * 101}, "destination.wallet: String should have at most 100 characters"),
        ({"contract": "0x12"}, "destination.contract: expected 0x and 40 hexadecimal digits"),
        ({"wallet": "0x52908400098527886e0F7030069857d2e4169ee7"}, "destination.wallet: the EIP-55 checksum"),
        ({"agent": "ag_" + "a" * 21}, "destination.agent: String should match"),
        ({"merchant": {"id": "shop-1"}}, "destination.merchant.category: Field required"),
        ({"merchant": {"id": "shop 1", "category": "books"}}, "destination.merchant.id: String should match"),
        ({"bank": "x"}, "destination.bank: unknown field"),
        (WALLET, "destination: Input should be"),
    ],
)
def test_a_wrong_destination_is_named(destination: Any, reason: str) -> None:
    refused(reason, body(destination=destination))


def test_a_wrong_value_is_not_repeated() -> None:
    with pytest.raises(MalformedInput) as found:
        parse_transaction(json.dumps(body(token="sk_test_secret")))
    assert "sk_test_secret" not in str(found.value)


@pytest.mark.parametrize("amount", ["12.50", "12.5000"])
def test_spellings_of_an_amount_are_one_content(amount: str) -> None:
    assert transaction(amount=amount) == transaction(amount="12.5")


def test_spellings_of_an_address_are_one_content() -> None:
    shouted, checksummed = "0x" + WALLET[2:].upper(), evm_checksum(WALLET)
    assert transaction(destination={"wallet": shouted}).sha256 == transaction().sha256
    assert transaction(destination={"wallet": checksummed}).sha256 == transaction().sha256


def test_order_space_and_absence_are_no_content() -> None:
    reordered = dict(reversed(body().items()), memo=None, call=None)
    assert parse_transaction(json.dumps(reordered, indent=3)) == transaction()


CHANGES: dict[str, Any] = {
    "kind": "bet",
    "amount": "12.51",
    "token": "ETH",
    "chain": "ethereum",
    "destination": {"contract": WALLET},
    "instructed_by": AGENT,
    "memo": "",
}


@pytest.mark.parametrize("field", CHANGES)
def test_any_other_content_has_another_hash(field: str) -> None:
    assert transaction(**{field: CHANGES[field]}).sha256 != transaction().sha256


def test_the_hash_is_of_the_canonical_text() -> None:
    parsed = transaction(memo="f\u00fcr \U0001f600")
    expected = json.dumps(body(memo="f\u00fcr \U0001f600"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert parsed.content == expected
    assert parsed.sha256 == hashlib.sha256(expected.encode()).digest()


@given(st.integers(0, 140))
def test_content_is_bounded(padding: int) -> None:
    fields = body("contract_call", destination={"merchant": {"id": "m" * 64, "category": "c"}}, memo="x" * padding)
    size = len(json.dumps(fields, sort_keys=True, separators=(",", ":")))
    if size <= MAX_CONTENT_BYTES:
        assert len(parse_transaction(json.dumps(fields)).content) == size
    else:
        refused("body: at most 448 bytes of content", fields)
