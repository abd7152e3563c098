"""Findings as stored: ``FINDINGS#<agent> / FINDING#<id>`` in the core table, and its events under ``FINDING#<id>``.

Ids rise with the time of the first request, so an agent's findings lie in order. ``rev`` counts the events; what only
joins a finding raises ``count``, which is the condition of every change, so that none is lost.
"""

from dataclasses import asdict
from typing import Any

from portcullis.aws import changes
from portcullis.aws.changes import Actor, Change
from portcullis.aws.dynamo import Item, Table, to_attributes
from portcullis.aws.expressions import Update
from portcullis.domain.detection.findings import OPEN, OPENED, UPDATED, Finding, Lesson, describe
from portcullis.domain.detection.signals import Signal

_DERIVED = ("pk", "sk", "status_key", "created_at")


def partition(agent: str) -> str:
    """The partition of an agent's findings."""
    return f"FINDINGS#{agent}"


def events_partition(finding_id: str) -> str:
    """The partition of a finding's events."""
    return f"FINDING#{finding_id}"


def listing_key(state: str) -> str:
    """The index partition in which the findings of this state are listed."""
    return f"FINDINGS#{state}"


def primary_key(agent: str, finding_id: str) -> Item:
    """Where a finding's item stands."""
    return {"pk": partition(agent), "sk": f"FINDING#{finding_id}"}


def read(table: Table, agent: str, finding_id: str) -> Finding | None:
    """The finding as it is now, or None."""
    item = table.get(primary_key(agent, finding_id))
    return from_item(item) if item else None


def find(table: Table, finding_id: str) -> Finding | None:
    """As `read`, where only the id is known: its first event says whose it is."""
    event = table.get({"pk": events_partition(finding_id), "sk": "EVENT#0000000001"})
    return read(table, event["agent"], finding_id) if event else None


def to_item(finding: Finding) -> Item:
    """The stored form."""
    stored = {name: value for name, value in asdict(finding).items() if value is not None}
    derived = {"status_key": listing_key(finding.state), "created_at": finding.opened_at}
    return {**primary_key(finding.agent, finding.id), **derived, **stored}


def from_item(item: Item) -> Finding:
    """The inverse of to_item."""
    stored = {name: value for name, value in item.items() if name not in _DERIVED}
    stored |= {
        "keys": tuple(item["keys"]),
        "evidence": tuple(item["evidence"]),
        "signals": tuple(Signal(**signal) for signal in item["signals"]),
        "lessons": tuple(Lesson(**lesson) for lesson in item["lessons"]),
    }
    return Finding(**stored)


def opening(finding: Finding, actor: Actor) -> list[dict[str, Any]]:
    """The actions that store a new finding and tell of it."""
    return [changes.put_new(to_item(finding)), _event(finding, actor, OPENED)]


def joining(before: Finding, after: Finding, actor: Actor) -> list[dict[str, Any]]:
    """The actions that store what joined an open finding, and tell of it where ``rev`` rose."""
    put = {
        "Put": {
            "Item": to_attributes(to_item(after)),
            "ConditionExpression": "#rev = :rev AND #count = :count AND #state = :open",
            "ExpressionAttributeNames": {"#rev": "rev", "#count": "count", "#state": "state"},
            "ExpressionAttributeValues": to_attributes({":rev": before.rev, ":count": before.count, ":open": OPEN}),
        }
    }
    return [put, _event(after, actor, UPDATED)] if after.rev > before.rev else [put]


def ending(before: Finding, after: Finding, actor: Actor, type_: str) -> list[dict[str, Any]]:
    """The actions that end an open finding (``after`` is its state, ``rev`` one more) and tell of it as ``type_``."""
    update = Update()
    update.require(rev=before.rev, count=before.count, state=OPEN)
    update.put(
        state=after.state,
        status_key=listing_key(after.state),
        rev=after.rev,
        closed_by=after.closed_by,
        closed_at=after.closed_at,
        reason=after.reason,
    )
    return [update.action(primary_key(before.agent, before.id)), _event(after, actor, type_)]


def _event(finding: Finding, actor: Actor, type_: str) -> dict[str, Any]:
    change = Change(type_, describe(finding), key=finding.keys[0])
    return changes.event_put(actor, finding.id, events_partition(finding.id), finding.rev, change, finding.agent)
