"""What one event tells of an agent: the only door between the bus and detection.

Only a verified event of the agent's own is an observation. A later ``rev`` of a transaction is none of its owner: it
may be the move of an executor, whose call ``request.served`` tells of.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portcullis.domain import money, times

ACCEPTED, DENIED, LIMITED, FAILED = "accepted", "denied", "limited", "failed"
_ASKED = {
    "transaction.approved": ACCEPTED,
    "transaction.pending_approval": ACCEPTED,
    "transaction.denied": DENIED,
}
_CALLED = {"request.served": ACCEPTED, "request.refused": FAILED}


@dataclass(frozen=True, slots=True)
class Payment:
    """What a transaction would move: ``usd`` micro-USD (None: unpriced), to whom, and the digest of all of it."""

    usd: int | None
    counterparty: str
    content_sha256: str


@dataclass(frozen=True, slots=True)
class Observation:
    """One or, where calls were summed, ``count`` verified requests of an agent. ``at`` is microseconds.

    ``endpoint`` says what was asked: method and route, or the kind, token, chain and destination of a payment.
    ``rules`` are those of the policy that a denied payment breaks, ``country`` an ISO 3166 code where one is known.
    """

    id: str
    agent: str
    key: str
    at: int
    ip: str
    endpoint: str
    outcome: str
    count: int = 1
    payment: Payment | None = None
    problem: str | None = None
    rules: tuple[str, ...] = ()
    country: str | None = None


def observe(event: Mapping[str, Any]) -> Observation | None:
    """The observation that an event is, or None where it teaches nothing of an agent."""
    if not (event["verified"] and event["agent"] and event["key"] and event["ip"]):
        return None
    if event["type"] in _ASKED:
        return _payment(event) if event["rev"] == 1 else None
    return _calls(event) if event["type"] in _CALLED else None


def _payment(event: Mapping[str, Any]) -> Observation:
    data = event["data"]
    ((form, destination),) = data["destination"].items()
    named = destination if isinstance(destination, str) else json.dumps(destination, sort_keys=True)
    usd = data.get("usd")
    return Observation(
        id=event["id"],
        agent=event["agent"],
        key=event["key"],
        at=times.parse_rfc3339(event["at"]),
        ip=event["ip"],
        endpoint=" ".join((data["kind"], data["token"], data["chain"], form)),
        outcome=_ASKED[event["type"]],
        payment=Payment(money.parse_usd(usd) if usd else None, f"{data['chain']} {named}", data["content_sha256"]),
        rules=tuple(violation["rule"] for violation in data.get("violations", ())),
        country=data.get("country"),
    )


def _calls(event: Mapping[str, Any]) -> Observation:
    data = event["data"]
    problem = data.get("problem")
    return Observation(
        id=event["id"],
        agent=event["agent"],
        key=event["key"],
        at=times.parse_rfc3339(data.get("last_at", event["at"])),
        ip=event["ip"],
        endpoint=f"{data['method']} {data['route']}",
        outcome=LIMITED if problem == "rate_limited" else _CALLED[event["type"]],
        count=data["count"],
        problem=problem,
        country=data.get("country"),
    )
