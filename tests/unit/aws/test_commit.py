"""The commit's expressions: both forms of the rate, the windows' clauses, and nothing defined that is not used."""

import re
from dataclasses import replace
from typing import Any

import pytest

from portcullis.aws import commit
from portcullis.aws.dynamo import Cancelled, Item, Reason, from_attributes, to_attributes
from portcullis.aws.records import to_item
from portcullis.domain.account import MAX_RECENT, Account, Mark, Reservation
from portcullis.domain.rate import Rate
from portcullis.domain.windows import Spend
from tests.unit.domain import builders

NOW = builders.NOW
RATE = Rate(per_minute=60, burst=3)
CONDITIONS = [
    "#state = :old_state",
    "#policy_version = :old_policy_version",
    "#epoch = :old_epoch",
    "contains(live_keys, :key_version)",
]
IDLE = "(attribute_not_exists(tat) OR tat <= :arrived)"
BUSY = "tat > :arrived AND tat <= :latest"
NAMES = {"#state": "state", "#policy_version": "policy_version", "#epoch": "epoch"}
DAY = "(attribute_not_exists(#window0) OR #window0 <= :room0)"
MARK = Mark("c#AAAAAA", NOW - 1000)


class RecordingTable:
    """Keeps the actions of a transaction."""

    def __init__(self) -> None:
        self.actions: tuple[dict[str, Any], ...] = ()

    def transact(self, *actions: dict[str, Any]) -> None:
        self.actions = actions


@pytest.fixture
def wanted() -> Reservation:
    return builders.reservation(epoch=3, policy_version=7, rate=RATE)


@pytest.fixture
def denied() -> Reservation:
    return builders.reservation(
        epoch=3, policy_version=7, rate=RATE, spends=(Spend("", "x2026112106", 1, None),), denied=True
    )


def written(wanted: Reservation, last_seen: Account) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Put and the Update."""
    table = RecordingTable()
    commit.write(table, builders.record(), wanted, last_seen)  # type: ignore[arg-type]
    put, update = table.actions
    return put["Put"], update["Update"]


def values_of(update: dict[str, Any]) -> dict[str, Any]:
    return from_attributes(update["ExpressionAttributeValues"])


def removed(update: dict[str, Any]) -> set[str]:
    _, _, names = update["UpdateExpression"].partition(" REMOVE ")
    return {update["ExpressionAttributeNames"][name] for name in names.split(", ") if name}


def assert_nothing_is_left_over(update: dict[str, Any]) -> None:
    text = f"{update['ConditionExpression']} {update['UpdateExpression']}"
    assert set(re.findall(r":\w+", text)) == set(update["ExpressionAttributeValues"])
    assert set(re.findall(r"#\w+", text)) == set(update["ExpressionAttributeNames"])


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
    assert update["ConditionExpression"].split(" AND ") == [*CONDITIONS, IDLE, DAY]
    assert update["UpdateExpression"] == "SET tat = :next, #window0 = if_not_exists(#window0, :zero) + :amount0"
    assert update["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    assert update["ExpressionAttributeNames"] == {**NAMES, "#window0": "d20261121"}
    assert values_of(update) == {
        ":old_state": "active",
        ":key_version": builders.KEY_NAME,
        ":old_policy_version": 7,
        ":old_epoch": 3,
        ":arrived": NOW,
        ":next": NOW + 1_000_000,
        ":room0": 90,
        ":zero": 0,
        ":amount0": 10,
    }


def test_a_busy_account(wanted: Reservation) -> None:
    _, update = written(wanted, builders.account(tats={"tat": NOW + 1}))
    values = values_of(update)

    assert update["ConditionExpression"] == " AND ".join([*CONDITIONS, BUSY, DAY])
    assert update["UpdateExpression"].startswith("SET tat = tat + :interval, ")
    assert (values[":arrived"], values[":latest"], values[":interval"]) == (NOW, NOW + 2_000_000, 1_000_000)


@pytest.mark.parametrize(("tat", "condition"), [(0, IDLE), (NOW, IDLE), (NOW + 1, BUSY), (NOW + 10**9, BUSY)])
def test_the_form_follows_what_was_last_seen(wanted: Reservation, tat: int, condition: str) -> None:
    _, update = written(wanted, builders.account(tats={"tat": tat}))
    assert condition in update["ConditionExpression"]


def test_every_window_has_its_own_clause_and_room(wanted: Reservation) -> None:
    windows = {"d20261121": 100, "w202647": 200, "m202611": 300, "d20261121tAAAAAA": 400}
    spends = tuple(Spend("a rule", name, 10, limit) for name, limit in windows.items())
    _, update = written(replace(wanted, spends=(*spends, Spend("", "h2026112106", 1, 5))), builders.account())
    values, names = values_of(update), update["ExpressionAttributeNames"]

    assert [names[f"#window{number}"] for number in range(5)] == [*windows, "h2026112106"]
    assert [values[f":room{number}"] for number in range(5)] == [90, 190, 290, 390, 4]
    for number in range(5):
        clause = f"(attribute_not_exists(#window{number}) OR #window{number} <= :room{number})"
        assert clause in update["ConditionExpression"]
        set_ = f"#window{number} = if_not_exists(#window{number}, :zero) + :amount{number}"
        assert set_ in update["UpdateExpression"]


def test_a_denial_counts_without_condition_and_says_when(denied: Reservation) -> None:
    _, update = written(denied, builders.account())

    assert update["ConditionExpression"].split(" AND ") == [*CONDITIONS, IDLE]
    assert update["UpdateExpression"] == (
        "SET tat = :next, #window0 = if_not_exists(#window0, :zero) + :amount0, #violated_at = :violated_at"
    )
    assert update["ExpressionAttributeNames"]["#window0"] == "x2026112106"
    assert (values_of(update)[":amount0"], values_of(update)[":violated_at"]) == (1, NOW)


def test_windows_that_are_over_are_removed(wanted: Reservation) -> None:
    over = {"d20251231", "d20261119", "d20261119tAAAAAA", "w202645", "m202609", "h2026112104", "x2026112104"}
    kept = {"d20261120", "d20261120tAAAAAA", "d20261121", "d20261122", "w202646", "m202610", "h2026112105"}
    _, update = written(wanted, builders.account(windows=dict.fromkeys(over | kept, 1)))
    assert removed(update) == over, "the period before this one may still be asked for"


def test_a_content_is_marked_on_condition_that_it_is_new(wanted: Reservation) -> None:
    _, update = written(replace(wanted, mark=MARK), builders.account())
    assert update["ConditionExpression"].endswith("(attribute_not_exists(#mark) OR #mark <= :since)")
    assert ", #mark = :now" in update["UpdateExpression"]
    assert update["ExpressionAttributeNames"]["#mark"] == MARK.name
    assert (values_of(update)[":now"], values_of(update)[":since"]) == (NOW, NOW - 1000)


def test_a_known_duplicate_is_marked_without_condition(wanted: Reservation) -> None:
    _, update = written(replace(wanted, mark=MARK, known=True), builders.account(recent={MARK.name: NOW - 1}))
    assert "#mark" not in update["ConditionExpression"]
    assert ", #mark = :now" in update["UpdateExpression"]
    assert removed(update) == set()


def test_marks_beyond_the_last_are_removed(wanted: Reservation) -> None:
    recent = {f"c#{number:06d}": NOW - 500 + number for number in range(MAX_RECENT)}
    _, update = written(replace(wanted, mark=MARK), builders.account(recent={**recent, "c#old": NOW - 1000}))
    assert removed(update) == {"c#old", "c#000000"}


LAST_SEEN = {
    "new": builders.account(),
    "idle": builders.account(tats={"tat": NOW}, windows={"d20261121": 1}),
    "busy": builders.account(tats={"tat": NOW + 1}, windows={"d20261119": 1, "d20261118": 1}, recent={"c#1": 1}),
}
WANTED = {
    "spending": {},
    "counting": {"spends": (Spend("", "x2026112106", 1, None),), "denied": True},
    "marked": {"mark": MARK},
    "repeated": {"mark": MARK, "known": True},
    "key's rate": {"key_rate": Rate(6, 2)},
}


@pytest.mark.parametrize("changes", WANTED.values(), ids=list(WANTED))
@pytest.mark.parametrize("last_seen", LAST_SEEN.values(), ids=list(LAST_SEEN))
def test_every_name_and_value_is_used_and_defined(changes: dict[str, Any], last_seen: Account) -> None:
    _, update = written(builders.reservation(**changes), last_seen)
    assert_nothing_is_left_over(update)


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
    wanted = builders.reservation(rate=RATE, key_rate=Rate(6, 2), spends=())
    _, idle = written(wanted, builders.account(tats={"tat": NOW + 1}))
    _, busy = written(wanted, builders.account(tats={"tat": NOW, key_tat: NOW + 1}))

    assert idle["ConditionExpression"].endswith(f"{BUSY} AND (attribute_not_exists(#key_tat) OR #key_tat <= :arrived)")
    assert idle["UpdateExpression"] == "SET tat = tat + :interval, #key_tat = :key_next"
    assert busy["ConditionExpression"].endswith(f"{IDLE} AND #key_tat > :arrived AND #key_tat <= :key_latest")
    assert busy["UpdateExpression"] == "SET tat = :next, #key_tat = #key_tat + :key_interval"
    assert (idle["ExpressionAttributeNames"]["#key_tat"], values_of(idle)[":key_next"]) == (key_tat, NOW + 10_000_000)
    assert (values_of(busy)[":key_latest"], values_of(busy)[":key_interval"]) == (NOW + 10_000_000, 10_000_000)
    for update in (idle, busy):
        assert_nothing_is_left_over(update)
