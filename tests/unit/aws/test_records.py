"""Transactions and accounts as stored: what is put is what is read."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.aws import accounts, key_records, records
from portcullis.aws.dynamo import Item, from_attributes, to_attributes
from portcullis.domain import windows
from portcullis.domain.decisions import BY_HUMAN, BY_PARTIES, BY_RISK_AGENT, RULES, Violation
from portcullis.domain.record import STATUSES, Mover, Past, Record
from portcullis.domain.verification import KeyRecord
from tests.unit.domain import builders

SAMPLES = {
    "approved": builders.record(),
    "held": builders.held(),
    "denied": builders.denied(),
    "unpriced": builders.denied(usd=None),
    "shadowed": builders.record(shadow="denied"),
    "settled": builders.record(
        status="settled",
        rev=4,
        expires_at=None,
        approved_by=("alice", builders.AGENT),
        claimed_by=builders.AGENT,
        claim_sha256=bytes(range(32)),
        outcome="0xfeed",
        moved=Mover(builders.AGENT, builders.KEY_ID, "203.0.113.9", builders.NOW),
        past=(Past("pending_approval", 1), Past("approved", builders.NOW), Past("executing", builders.NOW)),
    ),
    "expired": builders.held(status="expired", moved=Mover("gateway", None, "", builders.NOW)),
}
COUNTS = st.integers(0, 10**12)
RECORDS = st.builds(
    replace,
    st.sampled_from(list(SAMPLES.values())),
    usd=st.none() | COUNTS,
    epoch=COUNTS,
    rev=COUNTS,
    policy_version=COUNTS,
    policy_sha256=st.binary(min_size=32, max_size=32),
    violations=st.lists(st.builds(Violation, st.sampled_from(sorted(RULES)), st.integers(1, 10)), max_size=4).map(
        tuple
    ),
    windows=st.lists(st.sampled_from(["d20261121", "w202647", "m202611", "d20261121tAAAAAA"]), unique=True).map(tuple),
    approval_by=st.lists(st.sampled_from([BY_PARTIES, BY_RISK_AGENT, BY_HUMAN]), max_size=4).map(tuple),
    reasons=st.lists(st.sampled_from(["escrow_release", "amount", "possible_duplicate"]), unique=True).map(tuple),
)
WINDOW_NAMES = st.builds(windows.name, st.sampled_from("dwmhx"), st.integers(10**15, 4 * 10**15)) | st.builds(
    windows.part, st.integers(10**15, 4 * 10**15), st.sampled_from("tmc"), st.text()
)


def through_the_wire(item: Item) -> Item:
    return from_attributes(to_attributes(item))


@given(RECORDS)
def test_a_transaction_round_trips(record: Record) -> None:
    assert records.from_item(through_the_wire(records.to_item(record))) == record


@pytest.mark.parametrize("record", SAMPLES.values(), ids=list(SAMPLES))
def test_a_transactions_item_is_found_and_listed(record: Record) -> None:
    item = records.to_item(record)

    assert (item["pk"], item["sk"]) == (f"AGENT#{builders.AGENT}", f"TX#{builders.TXID}")
    assert item["status_key"] == f"{builders.AGENT}#{record.status}"
    assert item["type"] == f"transaction.{record.status}"
    assert item["created_at"] == builders.NOW


def test_what_is_absent_is_not_stored() -> None:
    item = records.to_item(builders.denied(usd=None, violations=()))
    absent = {"usd", "windows", "approval_by", "reasons", "expires_at", "violations", "shadow", "moved_at", "outcome"}
    assert not absent & set(item)
    assert not {None, ""} & {value for value in item.values() if not isinstance(value, bytes)}


def test_what_was_decided_is_stored_in_short() -> None:
    assert records.to_item(builders.denied())["violations"] == "d5 lt7"
    held = builders.held(approval_by=("parties", "risk_agent", "human"), reasons=("escrow_release", "amount"))
    item = records.to_item(held)
    assert (item["approval_by"], item["reasons"], item["windows"]) == ("prh", "ea", "d20261121")


def test_every_rule_and_approval_has_one_code() -> None:
    assert set(records.RULE_CODES) == set(RULES)
    assert set(records.APPROVAL_CODES) == {BY_PARTIES, BY_RISK_AGENT, BY_HUMAN}
    assert set(records.STATUS_CODES) == set(STATUSES)
    for codes in (records.RULE_CODES, records.APPROVAL_CODES, records.REASON_CODES, records.STATUS_CODES):
        assert len(set(codes.values())) == len(codes)
    assert all(code.isalpha() for code in records.RULE_CODES.values())


@given(st.dictionaries(WINDOW_NAMES, COUNTS, max_size=3), COUNTS)
def test_an_account_round_trips(spent: dict[str, int], tat: int) -> None:
    tats = {"tat": tat, "t#0abcdefg": tat}
    recent, later = {"c#AAAAAA": tat}, {"shadow_sha256": bytes(32), "violated_at": tat}
    account = builders.account(windows=spent, tats=tats, recent=recent, **later)
    item = accounts.to_item(account) | {"live_keys": account.live_keys} | tats | spent | recent | later
    assert accounts.from_item(through_the_wire(item)) == account


def test_a_new_account_has_no_keys_and_is_listed() -> None:
    item = accounts.to_item(builders.account())

    assert "live_keys" not in item
    assert accounts.from_item(through_the_wire(item)).live_keys == frozenset()
    assert item["status_key"] == "AGENTS"


def test_only_what_is_named_as_one_is_a_window_or_a_mark() -> None:
    spent, marks = {"d20261121": 4, "w202647": 5, "x2026112106": 6}, {"c#AAAAAA": 7}
    others = {"d": 1, "day": 2, "d1x": 3, "c": 4, "created_by": 5}
    account = accounts.from_item(accounts.to_item(builders.account()) | others | spent | marks)
    assert (account.windows, account.recent) == (spent, marks)


@pytest.mark.parametrize(
    "record",
    [
        builders.key_record(),
        builders.key_record(state="revoked", version=2, ends_at=builders.NOW, ip_ranges=("2001:db8::/32",), scopes=()),
    ],
    ids=["plain", "full"],
)
def test_a_key_round_trips(record: KeyRecord) -> None:
    item = key_records.to_item(record)

    assert key_records.from_item(through_the_wire(item)) == record
    assert (item["pk"], item["sk"]) == (f"KEY#{builders.KEY_ID}", "KEY")
    assert item["status_key"] == f"{builders.AGENT}#KEYS"
