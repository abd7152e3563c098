"""The two-item commit in DynamoDB's expressions, which know no ``max``, no branch and no arithmetic in conditions."""

from typing import Any

from portcullis.aws import accounts, gcra, records
from portcullis.aws.dynamo import Cancelled, Table, to_attributes
from portcullis.aws.expressions import Update
from portcullis.domain import windows
from portcullis.domain.account import Account, Mark, Reservation, forgotten
from portcullis.domain.record import Record
from portcullis.domain.windows import Spend

_TRANSACTION, _ACCOUNT = 0, 1


def write(table: Table, record: Record, wanted: Reservation, last_seen: Account) -> None:
    """Commit ``record`` and what it reserves, or raise Cancelled. ``last_seen`` chooses the form of the rate update
    and names the spend windows that are over."""
    table.transact(_put(record), _update(record.agent, wanted, last_seen))


def condition_failed(cancelled: Cancelled) -> bool:
    """Whether a condition failed, rather than two transactions meeting."""
    return cancelled.failed(_TRANSACTION) or cancelled.failed(_ACCOUNT)


def existing(cancelled: Cancelled) -> Record | None:
    """The transaction that stood there already."""
    item = cancelled.reasons[_TRANSACTION].item
    return records.from_item(item) if cancelled.failed(_TRANSACTION) and item else None


def account_as_it_was(cancelled: Cancelled) -> Account | None:
    """The account that refused; None when there is none."""
    item = cancelled.reasons[_ACCOUNT].item
    return accounts.from_item(item) if item else None


def _put(record: Record) -> dict[str, Any]:
    return {
        "Put": {
            "Item": to_attributes(records.to_item(record)),
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def _update(agent: str, wanted: Reservation, last_seen: Account) -> dict[str, Any]:
    update = Update()
    update.require(state="active", policy_version=wanted.policy_version, epoch=wanted.epoch)
    update.conditions.append("contains(live_keys, :key_version)")
    update.values[":key_version"] = wanted.key_version
    for claim in wanted.claims:
        gcra.admit(claim, last_seen.tats.get(claim.tat, 0), update)
    for number, spend in enumerate(wanted.spends):
        _spend(number, spend, update)
    for number, name in enumerate(sorted(last_seen.windows)):
        if windows.is_over(name, wanted.now):
            update.names[f"#over{number}"] = name
            update.removes.append(f"#over{number}")
    if wanted.mark is not None:
        _mark(wanted.mark, wanted, last_seen, update)
    if wanted.denied:
        update.put(violated_at=wanted.now)
    return update.action(accounts.primary_key(agent))


def _spend(number: int, spend: Spend, update: Update) -> None:
    window, amount, room = f"#window{number}", f":amount{number}", f":room{number}"
    update.names[window] = spend.window
    update.sets.append(f"{window} = if_not_exists({window}, :zero) + {amount}")
    update.values |= {":zero": 0, amount: spend.amount}
    if spend.limit is not None:
        update.conditions.append(f"(attribute_not_exists({window}) OR {window} <= {room})")
        update.values[room] = spend.limit - spend.amount


def _mark(mark: Mark, wanted: Reservation, last_seen: Account, update: Update) -> None:
    """Remember the content, on condition that it did not come a moment ago, unless it was judged as one that did."""
    update.names["#mark"] = mark.name
    update.values[":now"] = wanted.now
    update.sets.append("#mark = :now")
    if not wanted.known:
        update.conditions.append("(attribute_not_exists(#mark) OR #mark <= :since)")
        update.values[":since"] = mark.since
    for number, name in enumerate(forgotten(last_seen, wanted)):
        update.names[f"#forgotten{number}"] = name
        update.removes.append(f"#forgotten{number}")
