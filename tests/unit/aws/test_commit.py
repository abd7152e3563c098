"""The commit's expressions: both forms of the rate, the window's clause, and nothing defined that is not used."""

import re
from typing import Any

import pytest

from portcullis.aws import commit
from portcullis.aws.dynamo import Cancelled, Item, Reason, from_attributes, to_attributes
from portcullis.aws.records import to_item
from portcullis.domain.account import Account, Reservation
from portcullis.domain.rate import Rate
from tests.unit.domain import builders

NOW = builders.NOW
RATE = Rate(per_minute=60, burst=3)
CONDITIONS = [
    "#state = :active",
    "contains(live_keys, :key_version)",
    "policy_version = :policy_version",
    "epoch = :epoch",
]
IDLE = "(attribute_not_exists(tat) OR tat <= :arrived)"
BUSY = "tat > :arrived AND tat <= :latest"
WINDOW = "(attribute_not_exists(#window) OR #window <= :room)"


class RecordingTable:
    """Keeps the actions of a transaction."""

    def __init__(self) -> None:
        self.actions: tuple[dict[str, Any], ...] = ()

    def transact(self, *actions: dict[str, Any]) -> None:
        self.actions = actions


@pytest.fixture
def wanted() -> Reservation:
    return Reservation(builders.KEY_NAME, epoch=3, policy_version=7, rate=RATE, arrived=NOW, now=NOW, usd=10, limit=100)


def written(wanted: Reservation, last_seen: Account) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Put and the Update."""
    table = RecordingTable()
    commit.write(table, builders.record(), wanted, last_seen)  # type: ignore[arg-type]
    put, update = table.actions
    return put["Put"], update["Update"]


def values_of(update: dict[str, Any]) -> dict[str, Any]:
    return from_attributes(update["ExpressionAttributeValues"])


def test_the_transaction_is_put_if_it_does_not_exist(wanted: Reservation) -> None:
    put, _ = written(wanted, builders.account())
    assert put == {
        "Item": to_attributes(to_item(builders.record())),
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def test_an_idle_account(wanted: Reservation) -> None:
    _, update = written(wanted, builders.account(tats={"tat": NOW}))

    assert update["Key"] == {"pk": {"S": f"AGENT#{builders.AGENT}"}, "sk": {"S": "ACCOUNT"}}
    assert update["ConditionExpression"].split(" AND ") == [*CONDITIONS, IDLE, WINDOW]
    assert update["UpdateExpression"] == "SET tat = :next, #window = if_not_exists(#window, :zero) + :usd"
    assert update["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    assert update["ExpressionAttributeNames"] == {"#state": "state", "#window": "d20261121"}
    assert values_of(update) == {
        ":active": "active",
        ":key_version": builders.KEY_NAME,
        ":policy_version": 7,
        ":epoch": 3,
        ":arrived": NOW,
        ":next": NOW + 1_000_000,
        ":room": 90,
        ":zero": 0,
        ":usd": 10,
    }


def test_a_busy_account(wanted: Reservation) -> None:
    _, update = written(wanted, builders.account(tats={"tat": NOW + 1}))
    values = values_of(update)

    assert update["ConditionExpression"] == " AND ".join([*CONDITIONS, BUSY, WINDOW])
    assert update["UpdateExpression"].startswith("SET tat = tat + :interval, ")
    assert (values[":arrived"], values[":latest"], values[":interval"]) == (NOW, NOW + 2_000_000, 1_000_000)


@pytest.mark.parametrize(("tat", "condition"), [(0, IDLE), (NOW, IDLE), (NOW + 1, BUSY), (NOW + 10**9, BUSY)])
def test_the_form_follows_what_was_last_seen(wanted: Reservation, tat: int, condition: str) -> None:
    _, update = written(wanted, builders.account(tats={"tat": tat}))
    assert condition in update["ConditionExpression"]


def test_a_denial_reserves_nothing(wanted: Reservation) -> None:
    denied = Reservation(builders.KEY_NAME, epoch=3, policy_version=7, rate=RATE, arrived=NOW, now=NOW)
    _, update = written(denied, builders.account())

    assert update["ConditionExpression"].split(" AND ") == [*CONDITIONS, IDLE]
    assert update["UpdateExpression"] == "SET tat = :next"
    assert update["ExpressionAttributeNames"] == {"#state": "state"}


def test_windows_that_are_over_are_removed(wanted: Reservation) -> None:
    windows = {"d20251231": 1, "d20261119": 4, "d20261120": 5, "d20261121": 7, "d20261122": 9}
    seen = builders.account(windows=windows)
    _, update = written(wanted, seen)
    names = update["ExpressionAttributeNames"]
    _, _, removed = update["UpdateExpression"].partition(" REMOVE ")

    assert {names[name] for name in removed.split(", ")} == {"d20261119", "d20251231"}, (
        "yesterday's may still be asked for"
    )


LAST_SEEN = {
    "new": builders.account(),
    "idle": builders.account(tats={"tat": NOW}, windows={"d20261121": 1}),
    "busy": builders.account(tats={"tat": NOW + 1}, windows={"d20261119": 1, "d20261118": 1}),
}


@pytest.mark.parametrize("limit", [100, None])
@pytest.mark.parametrize("last_seen", LAST_SEEN.values(), ids=list(LAST_SEEN))
def test_every_name_and_value_is_used_and_defined(limit: int | None, last_seen: Account) -> None:
    wanted = Reservation(builders.KEY_NAME, 1, 1, RATE, NOW, NOW, usd=10 if limit else 0, limit=limit)
    _, update = written(wanted, last_seen)
    text = f"{update['ConditionExpression']} {update['UpdateExpression']}"

    assert set(re.findall(r":\w+", text)) == set(update["ExpressionAttributeValues"])
    assert set(re.findall(r"#\w+", text)) == set(update["ExpressionAttributeNames"])


def test_what_a_cancelled_commit_tells() -> None:
    account = builders.account()
    stored: Item = {"pk": f"AGENT#{builders.AGENT}", "sk": "ACCOUNT", "live_keys": account.live_keys}
    stored |= {"name": "payer", "state": "active", "epoch": 1, "rev": 2, "policy_version": 1}
    stored |= {"policy_sha256": account.policy_sha256, "created_at": NOW}
    exists = Cancelled([Reason("ConditionalCheckFailed", to_item(builders.record())), Reason("None", None)])
    refused = Cancelled([Reason("None", None), Reason("ConditionalCheckFailed", stored)])
    met = Cancelled([Reason("TransactionConflict", None), Reason("None", None)])

    assert commit.existing(exists) == builders.record()
    assert commit.account_as_it_was(refused) == account
    assert (commit.existing(refused), commit.account_as_it_was(exists)) == (None, None)
    assert [commit.condition_failed(cancelled) for cancelled in (exists, refused, met)] == [True, True, False]


def test_a_key_with_a_rate_of_its_own_has_its_own_form() -> None:
    key_tat = "t#" + builders.KEY_NAME[:8]
    wanted = Reservation(builders.KEY_NAME, 3, 7, RATE, NOW, NOW, key_rate=Rate(6, 2))
    _, idle = written(wanted, builders.account(tats={"tat": NOW + 1}))
    _, busy = written(wanted, builders.account(tats={"tat": NOW, key_tat: NOW + 1}))

    assert idle["ConditionExpression"].endswith(f"{BUSY} AND (attribute_not_exists(#key_tat) OR #key_tat <= :arrived)")
    assert idle["UpdateExpression"] == "SET tat = tat + :interval, #key_tat = :key_next"
    assert busy["ConditionExpression"].endswith(f"{IDLE} AND #key_tat > :arrived AND #key_tat <= :key_latest")
    assert busy["UpdateExpression"] == "SET tat = :next, #key_tat = #key_tat + :key_interval"
    assert (idle["ExpressionAttributeNames"]["#key_tat"], values_of(idle)[":key_next"]) == (key_tat, NOW + 10_000_000)
    assert (values_of(busy)[":key_latest"], values_of(busy)[":key_interval"]) == (NOW + 10_000_000, 10_000_000)
    for update in (idle, busy):
        text = f"{update['ConditionExpression']} {update['UpdateExpression']}"
        assert set(re.findall(r":\w+", text)) == set(update["ExpressionAttributeValues"])
        assert set(re.findall(r"#\w+", text)) == set(update["ExpressionAttributeNames"])
