"""Incidents as stored: ``INCIDENTS#<agent> / INCIDENT#<when>#<id>``, and their events under ``INCIDENT#<id>``.

The account names its open incident, so the one write that suspends an agent opens its incident, and a second trigger
finds it there. Every change of an incident is conditional on its ``rev`` and tells of itself.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from portcullis.aws import changes, listings
from portcullis.aws.changes import Actor, Change
from portcullis.aws.dynamo import Cancelled, Item, Table, to_attributes
from portcullis.aws.suspending import suspension
from portcullis.aws.wire import Unavailable
from portcullis.domain import incidents
from portcullis.domain.account import Account
from portcullis.domain.incidents import DONE, STATES, Incident, Review, Step, Trigger

OPENED, JOINED, RESUMED = "incident.opened", "incident.joined", "incident.resumed"
STEP_DONE, STEP_FAILED = "incident.step_done", "incident.step_failed"
_DERIVED = ("pk", "sk", "status_key", "created_at")


def partition(agent: str) -> str:
    """The partition of an agent's incidents."""
    return f"INCIDENTS#{agent}"


def events_partition(incident_id: str) -> str:
    """The partition of an incident's events."""
    return f"INCIDENT#{incident_id}"


def listing_key(state: str) -> str:
    """The index partition in which the incidents of this state are listed."""
    return f"INCIDENTS#{state}"


def contain(
    table: Table, agent: str, trigger: Trigger, is_over: Callable[[Incident | None], bool] = lambda _latest: False
) -> Incident | None:
    """Stop an agent in one write, which opens its incident; or join the one that is open. None: there is no such agent,
    or ``is_over`` says so of its latest incident, which has ended: asked in the same write that would open another."""
    opened: list[Incident] = []
    actor = Actor(trigger.actor, trigger.ip, trigger.at)

    def plan(account: Account) -> Change | None:
        opens = account.incident is None and not is_over(latest(table, agent))
        opened[:] = [_opening(account, trigger)] if opens else []
        return _containment(account, actor, opened[0]) if opened else None

    for _ in changes.attempts():
        account = changes.apply(table, agent, actor, plan)
        if account is None:
            return None
        if opened:
            return opened[0]
        if account.incident is None:
            return None
        found = _change(table, actor, account.incident, lambda incident: incidents.joined(incident, trigger), JOINED)
        if found is not None and found.state == incidents.OPEN:
            return found
    raise Unavailable("the agent's incidents were contended")


def record_step(
    table: Table, actor: Actor, incident_id: str, name: str, state: str, result: dict[str, Any]
) -> Incident | None:
    """Write down what became of a step. None: no such incident."""
    type_ = STEP_DONE if state == DONE else STEP_FAILED

    def step(incident: Incident) -> Incident | None:
        return incidents.stepped(incident, name, state, result, actor.now)

    return _change(table, actor, incident_id, step, type_, step=name)


def resume(table: Table, actor: Actor, incident_id: str) -> Incident | None:
    """Ask for another run over what is left. None: no such incident."""
    return _change(table, actor, incident_id, incidents.resumed, RESUMED)


def find(table: Table, incident_id: str) -> Incident | None:
    """The incident as it is now, or None. Its first event says whose it is, and when it was opened."""
    event = table.get({"pk": events_partition(incident_id), "sk": "EVENT#0000000001"})
    item = table.get(primary_key(event["agent"], event["at"], incident_id)) if event else None
    return from_item(item) if item else None


def existing(table: Table, incident_id: str) -> Incident:
    """As `find`; KeyError where there is none, which no further attempt can change."""
    incident = find(table, incident_id)
    if incident is None:
        raise KeyError(f"there is no incident {incident_id}")
    return incident


def perform(table: Table, event: dict[str, Any], do: Callable[[Incident], dict[str, Any]]) -> dict[str, Any]:
    """What a step of a containment has done: now, by ``do``, or in an earlier run. KeyError where there is no incident,
    which no further attempt can change."""
    incident = existing(table, event["incident"])
    step = incident.steps[event["step"]]
    return step.result if step.state == DONE else do(incident)


def latest(table: Table, agent: str) -> Incident | None:
    """The agent's last incident as it is now, or None."""
    items, _ = table.query(
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues=to_attributes({":pk": partition(agent)}),
        ScanIndexForward=False,
        ConsistentRead=True,
        Limit=1,
    )
    return from_item(items[0]) if items else None


def page(
    table: Table, state: str | None, agent: str | None, limit: int, cursor: str | None
) -> tuple[list[Incident], str | None]:
    """One page of the incidents in ``state``, or in any where it is None, newest first; of ``agent`` where given."""
    if agent is None:
        partitions = [listing_key(each) for each in ([state] if state else STATES)]
        items, following = listings.page(table, partitions, limit, cursor)
    else:
        only = {"state": state} if state else None
        items, following = listings.backwards(table, partition(agent), "INCIDENT#", limit, cursor, only)
    found = [from_item(item) for item in items]
    # The index tells a moment late which state an incident is in.
    return [incident for incident in found if state in (None, incident.state)], following


def primary_key(agent: str, opened_at: int, incident_id: str) -> Item:
    """Where an incident's item stands: an agent's lie in the order of time."""
    return {"pk": partition(agent), "sk": f"INCIDENT#{opened_at:017d}#{incident_id}"}


def to_item(incident: Incident) -> Item:
    """The stored form."""
    stored = {name: value for name, value in asdict(incident).items() if value is not None}
    derived = {"status_key": listing_key(incident.state), "created_at": incident.opened_at}
    return {**primary_key(incident.agent, incident.opened_at, incident.id), **derived, **stored}


def from_item(item: Item) -> Incident:
    """The inverse of to_item."""
    stored = {name: value for name, value in item.items() if name not in _DERIVED}
    stored |= {
        "triggers": tuple(Trigger(**trigger) for trigger in item["triggers"]),
        "further": tuple(item.get("further", ())),
        "steps": {name: Step(**step) for name, step in item["steps"].items()},
        "review": Review(**item["review"]) if "review" in item else None,
    }
    return Incident(**stored)


def writing(before: Incident, after: Incident, actor: Actor, type_: str, **more: Any) -> list[dict[str, Any]]:
    """The actions that store what became of an incident, if nobody changed it meanwhile, and tell of it as ``type_``,
    with ``more`` of the event's data."""
    put = {
        "Put": {
            "Item": to_attributes(to_item(after)),
            "ConditionExpression": "#rev = :rev",
            "ExpressionAttributeNames": {"#rev": "rev"},
            "ExpressionAttributeValues": to_attributes({":rev": before.rev}),
        }
    }
    return [put, _event(after, actor, type_, **more)]


def _change(
    table: Table,
    actor: Actor,
    incident_id: str | None,
    plan: Callable[[Incident], Incident | None],
    type_: str,
    **more: Any,
) -> Incident | None:
    """Change an incident as ``plan`` says of what it is now; where that is None, it stays."""
    for _ in changes.attempts():
        before = find(table, incident_id) if incident_id else None
        after = plan(before) if before else None
        if before is None or after is None:
            return before
        try:
            table.transact(*writing(before, after, actor, type_, **more))
        except Cancelled:
            continue
        return after
    raise Unavailable("the incident was contended")


def _opening(account: Account, trigger: Trigger) -> Incident:
    epoch = account.epoch + 1
    digest = hashlib.sha256(f"{account.agent}\n{epoch}".encode()).digest()
    return incidents.opened(incidents.incident_id(digest), account.agent, epoch, trigger)


def _containment(account: Account, actor: Actor, incident: Incident) -> Change:
    others: Sequence[dict[str, Any]] = [changes.put_new(to_item(incident)), _event(incident, actor, OPENED)]
    reason = incident.triggers[0].reason
    return suspension(account, reason, others, incident=incident.id)


def _event(incident: Incident, actor: Actor, type_: str, **more: Any) -> dict[str, Any]:
    change = Change(type_, incidents.describe(incident) | more)
    return changes.event_put(actor, incident.id, events_partition(incident.id), incident.rev, change, incident.agent)
