"""Transactions and accounts as stored: what is put is what is read."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.aws import accounts, key_records, records
from portcullis.aws.dynamo import Item, from_attributes, to_attributes
from portcullis.domain.decisions import RULES, Violation
from portcullis.domain.record import Record
from portcullis.domain.verification import KeyRecord
from tests.unit.domain import builders

SAMPLES = [builders.record(), builders.held(), builders.denied(), builders.denied(usd=None)]
COUNTS = st.integers(0, 10**12)
RECORDS = st.builds(
    replace,
    st.sampled_from(SAMPLES),
    usd=st.none() | COUNTS,
    epoch=COUNTS,
    rev=COUNTS,
    policy_version=COUNTS,
    policy_sha256=st.binary(min_size=32, max_size=32),
    violations=st.lists(st.builds(Violation, st.sampled_from(sorted(RULES)), st.integers(1, 10)), max_size=4).map(
        tuple
    ),
)


def through_the_wire(item: Item) -> Item:
    return from_attributes(to_attributes(item))


@given(RECORDS)
def test_a_transaction_round_trips(record: Record) -> None:
    assert records.from_item(through_the_wire(records.to_item(record))) == record


@pytest.mark.parametrize("record", SAMPLES, ids=["approved", "held", "denied", "unpriced"])
def test_a_transactions_item_is_found_and_listed(record: Record) -> None:
    item = records.to_item(record)

    assert (item["pk"], item["sk"]) == (f"AGENT#{builders.AGENT}", f"TX#{builders.TXID}")
    assert item["status_key"] == f"{builders.AGENT}#{record.status}"
    assert item["type"] == f"transaction.{record.status}"
    assert item["created_at"] == builders.NOW


def test_what_is_absent_is_not_stored() -> None:
    item = records.to_item(builders.record(usd=None, window=None))
    assert not {"usd", "window", "approval_by", "expires_at", "violations"} & set(item)
    assert None not in item.values()


def test_violations_are_stored_in_short() -> None:
    expected = '[["destination_not_allowlisted",5],["per_transaction_limit",7]]'
    assert records.to_item(builders.denied())["violations"] == expected


@given(st.dictionaries(st.dates().map(lambda day: f"d{day:%Y%m%d}"), COUNTS, max_size=3), COUNTS)
def test_an_account_round_trips(windows: dict[str, int], tat: int) -> None:
    tats = {"tat": tat, "t#0abcdefg": tat}
    account = builders.account(windows=windows, tats=tats)
    item = accounts.to_item(account) | {"live_keys": account.live_keys} | tats | windows
    assert accounts.from_item(through_the_wire(item)) == account


def test_a_new_account_has_no_keys_and_is_listed() -> None:
    item = accounts.to_item(builders.account())

    assert "live_keys" not in item
    assert accounts.from_item(through_the_wire(item)).live_keys == frozenset()
    assert item["status_key"] == "AGENTS"


def test_only_days_are_windows() -> None:
    item = accounts.to_item(builders.account()) | {"d": 1, "day": 2, "d1x": 3, "d20261121": 4}
    assert accounts.from_item(item).windows == {"d20261121": 4}


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
