"""The two-item commit in DynamoDB's expressions, which know no ``max``, no branch and no arithmetic in conditions."""

from typing import Any

from portcullis.aws import accounts, gcra, records
from portcullis.aws.dynamo import Cancelled, Table, to_attributes
from portcullis.domain.account import Account, Reservation
from portcullis.domain.record import Record

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
    conditions = [
        "#state = :active",
        "contains(live_keys, :key_version)",
        "policy_version = :policy_version",
        "epoch = :epoch",
    ]
    names = {"#state": "state"}
    values: dict[str, Any] = {
        ":active": "active",
        ":key_version": wanted.key_version,
        ":policy_version": wanted.policy_version,
        ":epoch": wanted.epoch,
    }
    sets: list[str] = []
    removes: list[str] = []
    for claim in wanted.claims:
        gcra.admit(claim, last_seen.tats.get(claim.tat, 0), conditions, sets, names, values)
    if wanted.limit is not None:
        _window(wanted, wanted.limit, conditions, sets, names, values)
    for number, name in enumerate(sorted(last_seen.windows)):
        if name < wanted.oldest_window:
            names[f"#old{number}"] = name
            removes.append(f"#old{number}")
    expression = f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else "")
    return {
        "Update": {
            "Key": to_attributes(accounts.primary_key(agent)),
            "UpdateExpression": expression,
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_attributes(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def _window(
    wanted: Reservation,
    limit: int,
    conditions: list[str],
    sets: list[str],
    names: dict[str, str],
    values: dict[str, Any],
) -> None:
    names["#window"] = wanted.window
    conditions.append("(attribute_not_exists(#window) OR #window <= :room)")
    sets.append("#window = if_not_exists(#window, :zero) + :usd")
    values.update({":room": limit - wanted.usd, ":zero": 0, ":usd": wanted.usd})
