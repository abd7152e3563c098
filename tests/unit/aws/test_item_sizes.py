"""The nonce and both items of the commit stay within one write unit, 1,024 bytes, whatever an agent may send."""

import json
import secrets
from typing import Any

import pytest

from portcullis.aws import accounts, nonces, records
from portcullis.aws.dynamo import Item, to_attributes
from portcullis.domain.account import MAX_LIVE_KEYS, Account
from portcullis.domain.decisions import Violation
from portcullis.domain.key_uses import Use
from portcullis.domain.models import validate
from portcullis.domain.operator_requests import NewAgent
from portcullis.domain.rate import key_tat
from portcullis.domain.record import Record
from portcullis.domain.transaction import MAX_CONTENT_BYTES, Transaction, parse_transaction
from portcullis.protocol import base62, keys, signing
from portcullis.protocol.strict_json import MalformedInput
from tests.unit.aws.item_size import item_size
from tests.unit.domain import builders

WRITE_UNIT = 1024
LONGEST_IPV6 = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"
LONGEST_KEY_ID = keys.new_key_id("abcdefghijkl", "z", b"\xff" * 20)
LARGE = 10**10 - 1
"""More versions, epochs and revisions than any agent reaches: one a second for 300 years."""

LONG_FIELDS: dict[str, dict[str, Any]] = {
    "transfer": {},
    "swap": {"token_out": "A" * 12, "min_out": "9" * 30 + "." + "9" * 18},
    "contract_call": {"call": {"selector": "0xffffffff", "data_sha256": "f" * 64}},
    "escrow_create": {"escrow_id": "e" * 64},
    "escrow_release": {"escrow_id": "e" * 64},
    "bet": {},
    "purchase": {},
}
DESTINATIONS = {
    "wallet": {"wallet": "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"},
    "agent": {"agent": builders.AGENT},
    "merchant": {"merchant": {"id": "m" * 64, "category": "c" * 64}},
}


def largest(kind: str, destination: str) -> Transaction:
    """The kind's longest fields, and the longest memo with which it is still admitted."""
    fields = {
        "amount": "9" * 30 + "." + "9" * 18,
        "token": "Z" * 12,
        "chain": "bitcoin",
        "destination": DESTINATIONS[destination],
        **LONG_FIELDS[kind],
    }
    for length in range(140, -1, -1):
        try:
            return parse_transaction(json.dumps(builders.body(kind, **fields, memo="m" * length)))
        except MalformedInput as refused:
            assert refused.field == "body"  # noqa: PT017 too long by a byte is expected on the way
    raise AssertionError("no memo is short enough")


def padded() -> Transaction:
    """A transaction of exactly as many bytes as are admitted."""
    fields = builders.body("escrow_create", escrow_id="e" * 64, instructed_by=builders.AGENT)
    fields["destination"] = {"merchant": {"id": "m" * 64, "category": "c"}}
    empty = len(parse_transaction(json.dumps({**fields, "memo": ""})).content)
    return parse_transaction(json.dumps({**fields, "memo": "m" * (MAX_CONTENT_BYTES - empty)}))


def stored(status: str, transaction: Transaction) -> Record:
    """The longest record of a status."""
    make = {"approved": builders.record, "pending_approval": builders.held, "denied": builders.denied}[status]
    return make(
        key_id=LONGEST_KEY_ID,
        source_ip=LONGEST_IPV6,
        content=transaction.content,
        content_sha256=transaction.sha256,
        usd=int("9" * 38),
        epoch=LARGE,
        policy_version=LARGE,
        rev=LARGE,
        created_at=10**16 - 1,
    )


def size(item: Item) -> int:
    return item_size(to_attributes(item))


@pytest.mark.parametrize("status", ["approved", "pending_approval", "denied"])
@pytest.mark.parametrize("destination", DESTINATIONS)
@pytest.mark.parametrize("kind", LONG_FIELDS)
def test_the_largest_transaction_of_a_kind(kind: str, destination: str, status: str) -> None:
    assert size(records.to_item(stored(status, largest(kind, destination)))) < WRITE_UNIT


@pytest.mark.parametrize("status", ["approved", "pending_approval", "denied"])
def test_a_transaction_of_as_many_bytes_as_are_admitted(status: str) -> None:
    transaction = padded()

    assert len(transaction.content.encode()) == MAX_CONTENT_BYTES
    assert size(records.to_item(stored(status, transaction))) < WRITE_UNIT


@pytest.mark.parametrize("last", ["per_transaction_limit", "daily_limit", "token_unpriced"])
def test_a_denial_with_every_violation_that_can_meet(last: str) -> None:
    violations = (Violation("destination_not_allowlisted", 10), Violation(last, 10))
    record = stored("denied", padded())
    assert size(records.to_item(builders.denied(**{**fields_of(record), "violations": violations}))) < WRITE_UNIT


def fields_of(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def largest_account() -> Account:
    """Eight keys, each of many versions, and the longest name in the longest characters."""
    name = "\U0001f600" * 64
    policy = {"allowlist": {}, "limits": {"per_transaction": "1", "daily": "1"}, "tiers": {"human_above": "1"}}
    assert validate(NewAgent, {"name": name, "policy": policy}).name == name
    bodies = [base62.from_bytes(bytes([number + 1]) * 20, 22) for number in range(MAX_LIVE_KEYS)]
    return builders.account(
        name=name,
        epoch=LARGE,
        rev=LARGE,
        policy_version=LARGE,
        live_keys=frozenset(f"{body}#{LARGE}" for body in bodies),
        created_at=10**16 - 1,
    )


@pytest.mark.parametrize("windows", [["d20261121"], ["d20261120", "d20261121"]])
@pytest.mark.parametrize("state", ["active", "suspended"])
def test_the_largest_account(windows: list[str], state: str) -> None:
    account = largest_account()
    tats = dict.fromkeys(["tat", *map(key_tat, account.live_keys)], 10**16 - 1)
    item = accounts.to_item(account) | {"live_keys": account.live_keys, "state": state} | tats

    assert len(tats) == MAX_LIVE_KEYS + 1
    assert size(item | dict.fromkeys(windows, 10**15 - 1)) < WRITE_UNIT


@pytest.mark.parametrize("use", [None, Use(10**16 - 1, LONGEST_IPV6)])
def test_the_largest_nonce_also_when_it_tells_a_use(use: Use | None) -> None:
    nonce, token = "n" * 128, secrets.token_urlsafe(16)
    with pytest.raises(signing.MalformedRequest, match="16 to 128"):
        signing.check_nonce(nonce + "n")
    assert size(nonces.to_item(LONGEST_KEY_ID, signing.check_nonce(nonce), LARGE, token, use)) < WRITE_UNIT


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"pk": {"S": "abc"}}, 5),
        ({"é": {"S": "é"}}, 4),
        ({"n": {"N": "1"}}, 3),
        ({"n": {"N": "123"}}, 4),
        ({"n": {"N": "-1000"}}, 4),
        ({"b": {"B": "AAAA"}}, 4),
        ({"t": {"BOOL": True}, "z": {"NULL": True}}, 4),
        ({"s": {"SS": ["ab", "c"]}}, 4),
        ({"l": {"L": [{"S": "a"}, {"N": "5"}]}}, 1 + 3 + 2 + 1 + 2),
        ({"m": {"M": {"a": {"S": "b"}}}}, 1 + 3 + 1 + 2),
    ],
)
def test_the_helper_counts_as_dynamodb_does(attributes: dict[str, Any], expected: int) -> None:
    assert item_size(attributes) == expected
