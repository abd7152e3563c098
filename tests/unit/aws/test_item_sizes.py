"""The nonce and both items of the commit stay within one write unit, 1,024 bytes, whatever an agent may send."""

import json
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portcullis.aws import accounts, nonces, records
from portcullis.aws.dynamo import Item, to_attributes
from portcullis.domain import times, windows
from portcullis.domain.account import MAX_LIVE_KEYS, MAX_RECENT, Account
from portcullis.domain.decisions import RULES, Violation
from portcullis.domain.key_uses import Use
from portcullis.domain.models import validate
from portcullis.domain.operator_requests import MAX_LABEL_BYTES, NewAgent
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
NOW, LATEST = builders.NOW, 10**16 - 1
LIMIT_WINDOWS = tuple(windows.name(kind, NOW) for kind in "dwm")
LENGTHS = {"d": times.DAY, "w": 7 * times.DAY, "m": 28 * times.DAY, "h": times.HOUR, "x": times.HOUR}
COUNTED = {"d": 10**15 - 1, "w": 10**15 - 1, "m": 10**15 - 1, "h": 10**6 - 1, "x": 10**8 - 1}
"""No budget is over 10**15 micro-dollars; no rate lets more than 60,000 a minute through."""
CANNOT_MEET = {"destination_not_allowlisted", "selector_not_allowlisted", "token_unpriced", "price_stale"}
AFTER_THE_DECISION = {"approval_refused", "approval_void"}
OF_PARTS = {"token_limit", "merchant_limit", "category_limit"}
ALL_AT_ONCE = [rule for rule in RULES if rule not in CANNOT_MEET | AFTER_THE_DECISION | OF_PARTS]
PART_OF_ACCOUNT, PART_OF_RECORD = 25, 17
ROOT = Path(__file__).parents[3]

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


MOST: dict[str, dict[str, Any]] = {
    "approved": {"windows": LIMIT_WINDOWS, "shadow": "pending_approval"},
    "pending_approval": {
        "windows": LIMIT_WINDOWS,
        "approval_by": ("parties", "risk_agent", "human", "human"),
        "reasons": tuple(records.REASON_CODES),
        "expires_at": LATEST,
        "shadow": "approved",
    },
    "denied": {"shadow": "pending_approval", "violations": tuple(Violation(rule, 10) for rule in ALL_AT_ONCE)},
}
"""As much as a decision of each status can hold without limits of tokens, merchants and categories."""


def stored(status: str, transaction: Transaction) -> Record:
    """The longest record of a status."""
    make = {"approved": builders.record, "pending_approval": builders.held, "denied": builders.denied}[status]
    return make(
        key_id=LONGEST_KEY_ID,
        source_ip=LONGEST_IPV6,
        content=transaction.content,
        content_sha256=transaction.sha256,
        usd=int("9" * 18),
        epoch=LARGE,
        policy_version=LARGE,
        rev=LARGE,
        created_at=LATEST,
        country="NL",
        **{"expires_at": LATEST, **MOST[status]} if status != "denied" else MOST[status],
    )


def size(item: Item) -> int:
    return item_size(to_attributes(item))


@pytest.mark.parametrize("status", MOST)
@pytest.mark.parametrize("destination", DESTINATIONS)
@pytest.mark.parametrize("kind", LONG_FIELDS)
def test_the_largest_transaction_of_a_kind(kind: str, destination: str, status: str) -> None:
    assert size(records.to_item(stored(status, largest(kind, destination)))) < WRITE_UNIT


@pytest.mark.parametrize("status", MOST)
def test_a_transaction_of_as_many_bytes_as_are_admitted(status: str) -> None:
    transaction = padded()

    assert len(transaction.content.encode()) == MAX_CONTENT_BYTES
    assert size(records.to_item(stored(status, transaction))) < WRITE_UNIT


def largest_account() -> Account:
    """Eight keys, each of many versions, the longest name, every window and mark, a shadow and a violation."""
    name = "\U0001f600" * (MAX_LABEL_BYTES // 4)
    assert validate(NewAgent, {"name": name, "policy": {}}).name == name
    bodies = [base62.from_bytes(bytes([number + 1]) * 20, 22) for number in range(MAX_LIVE_KEYS)]
    keys_ = frozenset(f"{body}#{LARGE}" for body in bodies)
    spent = {windows.name(kind, at): COUNTED[kind] for kind in COUNTED for at in (NOW, NOW - LENGTHS[kind])}
    return builders.account(
        name=name,
        state="locked",  # a suspended one has no keys
        epoch=LARGE,
        rev=LARGE,
        policy_version=LARGE,
        live_keys=keys_,
        created_at=LATEST,
        tats=dict.fromkeys(["tat", *map(key_tat, keys_)], LATEST),
        windows=spent,
        recent={f"c#{number:06d}": LATEST for number in range(MAX_RECENT)},
        shadow_sha256=bytes(range(32)),
        violated_at=LATEST,
        lock=LARGE,
    )


def account_item(account: Account) -> Item:
    item = accounts.to_item(account) | {"live_keys": account.live_keys, "shadow_sha256": account.shadow_sha256}
    return (
        item
        | {"violated_at": account.violated_at, "lock": account.lock}
        | account.tats
        | account.windows
        | account.recent
    )


def test_the_largest_account() -> None:
    account = largest_account()
    item = account_item(account)

    assert (len(account.tats), len(account.windows)) == (MAX_LIVE_KEYS + 1, 2 * len(COUNTED))
    assert accounts.from_item(item) == account
    assert size(item) < WRITE_UNIT


@pytest.mark.parametrize(("layer", "part"), [("t", "Z" * 12), ("m", "m" * 64), ("c", "c" * 64)])
def test_what_a_limit_of_a_part_adds(layer: str, part: str) -> None:
    name = windows.part(NOW, layer, part)
    assert size({name: COUNTED["d"]}) == PART_OF_ACCOUNT
    record = stored("approved", padded())
    assert (
        size(records.to_item(replace(record, windows=(*record.windows, name)))) - size(records.to_item(record))
        == PART_OF_RECORD
    )
    page = (ROOT / "docs/policy.md").read_text()
    assert f"{PART_OF_ACCOUNT} bytes" in page
    assert f"{PART_OF_RECORD} bytes" in page


@pytest.mark.parametrize("name", ["n" * 65, "\U0001f600" * 17, "\u00e9" * 33])
def test_an_agents_name_is_at_most_64_bytes(name: str) -> None:
    validate(NewAgent, {"name": "\u00e9" * 32, "policy": {}})
    with pytest.raises(MalformedInput, match=r"^name: .*at most 64"):
        validate(NewAgent, {"name": name, "policy": {}})


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
