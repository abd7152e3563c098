"""Incidents: an agent that was cut off, what was done about it, and the way back. An agent has one at a time.

open ─ reviewed by one person, confirmed by another: the agent is active again ──> recovered ─ close ─> closed
  └─── close: the agent stays suspended ───────────────────────────────────────────────────────────────┘

Suspending is no step: the write that opens an incident has done it. What follows are ``STEPS``, each on its own, so
that none stands in the way of another. What failed or was never reported can be done again by another ``run``.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

from portcullis.domain import times
from portcullis.protocol import base62

INCIDENT_ID = re.compile(r"in_[0-9A-Za-z]{22}", re.ASCII)
OPEN, RECOVERED, CLOSED = "open", "recovered", "closed"
STATES = (OPEN, RECOVERED, CLOSED)
STEPS = ("keys", "transactions", "sources", "secrets", "evidence", "notice")
DONE, FAILED, OUTSTANDING = "done", "failed", "outstanding"
BY_FINDING, BY_OPERATOR, BY_EVENT = "finding", "operator", "event"
COMPROMISE, FALSE_ALARM, DRILL = "compromise", "false_alarm", "drill"
OUTCOMES = (COMPROMISE, FALSE_ALARM, DRILL)
KEEP, UNBLOCK = "keep", "unblock"
WATCHED = 7 * times.DAY
"""How long an agent that came back is judged one level stricter."""
MOST_TRIGGERS = 20
"""That are kept; ``triggered`` counts all."""
MOST_FURTHER = 1_000
"""Of which it is still known that they have joined."""
MOST_REASON = 200
"""Characters of what an incident was started or closed for."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """Why, by whom (ARN, or ``gateway``), from where and when. ``reference`` names the finding or event it came from,
    if any; ``severity`` is from 1 to 10."""

    kind: str
    reason: str
    actor: str
    ip: str
    at: int
    severity: int
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """How one step stands since ``at``. ``result`` is what it did, or ``error`` and ``cause`` of its failure."""

    state: str = OUTSTANDING
    at: int | None = None
    attempts: int = 0
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Review:
    """The checklist of the way back as the approver ``by`` has gone through it: the cause is named, the allowlists of
    this version of the policy are right, and the addresses that were blocked are to ``keep`` or to ``unblock``."""

    by: str
    at: int
    cause: str
    policy_version: int
    addresses: str


@dataclass(frozen=True, slots=True)
class Incident:
    """As stored. ``epoch`` is that of the suspension, ``run`` how often the steps were started, instants microseconds.

    ``further`` marks the triggers that are not kept. ``contained_at`` is when every step was done, ``watched_until`` is
    when the agent that came back is like any other.
    """

    id: str
    agent: str
    epoch: int
    severity: int
    triggers: tuple[Trigger, ...]
    triggered: int
    steps: dict[str, Step]
    opened_at: int
    state: str = OPEN
    rev: int = 1
    further: tuple[str, ...] = ()
    run: int = 1
    contained_at: int | None = None
    review: Review | None = None
    recovered_at: int | None = None
    recovered_by: str | None = None
    watched_until: int | None = None
    closed_at: int | None = None
    closed_by: str | None = None
    outcome: str | None = None
    reason: str | None = None

    @property
    def left(self) -> tuple[str, ...]:
        """The steps that are not done."""
        return tuple(name for name in STEPS if self.steps[name].state != DONE)


def incident_id(digest: bytes) -> str:
    """An incident id from at least 17 bytes of a digest."""
    return "in_" + base62.from_bytes(digest, 22)


def opened(id_: str, agent: str, epoch: int, trigger: Trigger) -> Incident:
    """The incident of an agent that is suspended from ``epoch`` on."""
    steps = {name: Step() for name in STEPS}
    return Incident(id_, agent, epoch, trigger.severity, (trigger,), 1, steps, trigger.at)


def joined(incident: Incident, trigger: Trigger) -> Incident | None:
    """The open incident with another trigger, which voids its review; None where it has it already, or is not open any
    more."""
    kept = len(incident.triggers) < MOST_TRIGGERS
    if trigger.reference is not None and _mark(trigger) in {*map(_mark, incident.triggers), *incident.further}:
        return None
    if incident.state != OPEN:
        return None
    return replace(
        incident,
        rev=incident.rev + 1,
        severity=max(incident.severity, trigger.severity),
        triggers=(*incident.triggers, trigger) if kept else incident.triggers,
        further=incident.further if kept else (*incident.further, _mark(trigger))[-MOST_FURTHER:],
        triggered=incident.triggered + 1,
        review=None,
    )


def stepped(incident: Incident, name: str, state: str, result: dict[str, Any], at: int) -> Incident | None:
    """The incident with a step's outcome; None where that changes nothing. What is done is not undone by a failure."""
    before = incident.steps[name]
    if before.state == DONE or incident.state == CLOSED:
        return None
    step = Step(state, at, before.attempts + 1, result)
    after = replace(incident, rev=incident.rev + 1, steps={**incident.steps, name: step})
    return after if after.left or after.contained_at else replace(after, contained_at=at)


def resumed(incident: Incident) -> Incident | None:
    """The incident as another run starts on what is left; None where nothing is."""
    if incident.state == CLOSED or not incident.left:
        return None
    return replace(incident, rev=incident.rev + 1, run=incident.run + 1)


def describe(incident: Incident) -> dict[str, Any]:
    """The public form, which is also what its events tell."""
    described: dict[str, Any] = {
        "id": incident.id,
        "agent_id": incident.agent,
        "state": incident.state,
        "severity": incident.severity,
        "epoch": incident.epoch,
        "run": incident.run,
        "triggers": [_trigger(trigger) for trigger in incident.triggers],
        "triggered": incident.triggered,
        "steps": {name: _step(incident.steps[name]) for name in STEPS},
        "opened_at": times.rfc3339(incident.opened_at),
        "contained_at": _instant(incident.contained_at),
        "review": _review(incident.review) if incident.review else None,
        "recovered_at": _instant(incident.recovered_at),
        "recovered_by": incident.recovered_by,
        "watched_until": _instant(incident.watched_until),
        "closed_at": _instant(incident.closed_at),
        "closed_by": incident.closed_by,
        "outcome": incident.outcome,
        "reason": incident.reason,
    }
    return {name: value for name, value in described.items() if value is not None}


def _mark(trigger: Trigger) -> str:
    return f"{crc32(f'{trigger.kind} {trigger.reference}'.encode()):08x}"


def _trigger(trigger: Trigger) -> dict[str, Any]:
    return {
        "kind": trigger.kind,
        "reason": trigger.reason,
        "actor": trigger.actor,
        "ip": trigger.ip,
        "at": times.rfc3339(trigger.at),
        "severity": trigger.severity,
        **({"reference": trigger.reference} if trigger.reference else {}),
    }


def _step(step: Step) -> dict[str, Any]:
    at = {"at": times.rfc3339(step.at)} if step.at is not None else {}
    return {"state": step.state, **at, "attempts": step.attempts, "result": step.result}


def _review(review: Review) -> dict[str, Any]:
    return {
        "by": review.by,
        "at": times.rfc3339(review.at),
        "cause": review.cause,
        "policy_version": review.policy_version,
        "addresses": review.addresses,
    }


def _instant(micros: int | None) -> str | None:
    return None if micros is None else times.rfc3339(micros)
