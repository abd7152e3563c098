"""What starts a containment from the bus: a finding that calls for it, or anybody's event who may put it there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portcullis.domain import events, times
from portcullis.domain.detection.findings import FINDING_ID, NEWS, Finding
from portcullis.domain.detection.signals import MOST_SEVERE
from portcullis.domain.identifiers import AGENT_ID
from portcullis.domain.incidents import BY_EVENT, BY_FINDING, INCIDENT_ID, MOST_REASON, OPEN, Incident, Trigger

SOURCE, REQUESTED = f"{events.SOURCE}.trigger", "incident.requested"
"""Of the event by which anybody who may put it on the bus has an agent stopped."""
STARTS = ("incident.opened", "incident.resumed")
DEFAULT_SEVERITY = 8
_FIELDS = {"agent_id", "reason", "severity", "reference"}
_REFERENCE = re.compile(r"[!-~]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    """There is news of a finding, the latest of it from the address ``ip``."""

    agent: str
    finding: str
    ip: str


@dataclass(frozen=True, slots=True)
class Start:
    """The steps of an incident are to be started."""

    incident: str


@dataclass(frozen=True, slots=True)
class Cause:
    """A trigger, whose agent it is about, and when what it tells of ``happened``."""

    agent: str
    happened: int
    trigger: Trigger


def read(event: Mapping[str, Any], now: int) -> Found | Start | Cause:
    """What an EventBridge event asks for; ValueError, KeyError or TypeError where it is none of these, exactly."""
    type_, detail = event["detail-type"], event["detail"]
    if not isinstance(detail, dict):
        raise TypeError("detail is no object")
    if (event["source"], type_) == (SOURCE, REQUESTED):
        return _requested(event, detail, now)
    if (event["source"], detail["v"], detail["type"]) != (events.SOURCE, events.VERSION, type_):
        raise ValueError("neither an event of the gateway nor a request")
    if type_ in STARTS:
        return Start(_matched(INCIDENT_ID, detail["data"]["id"]))
    if type_ not in NEWS or detail["verified"] is not True:
        raise ValueError("no verified finding")
    return Found(_matched(AGENT_ID, detail["agent"]), _matched(FINDING_ID, detail["data"]["id"]), str(detail["ip"]))


def by_finding(finding: Finding, ip: str, now: int) -> Cause:
    """A finding that calls for it. It happened when the latest of its requests did."""
    words = "; ".join(signal.detail for signal in finding.signals)
    reason = words if len(words) <= MOST_REASON else words[: MOST_REASON - 1] + "…"
    trigger = Trigger(BY_FINDING, reason, "gateway", ip, now, finding.severity, finding.id)
    return Cause(finding.agent, finding.last_at, trigger)


def is_answered(cause: Cause, latest: Incident | None) -> bool:
    """Whether the agent's latest incident has ended since, or this very request was one of its triggers: people have
    decided about it then, and what is delivered late or twice does not undo that. A finding may have grown since."""
    if latest is None or latest.state == OPEN:
        return False
    ended = max(latest.recovered_at or 0, latest.closed_at or 0)
    asked = {each.reference for each in latest.triggers if each.kind == BY_EVENT}
    return cause.happened <= ended or (cause.trigger.kind == BY_EVENT and cause.trigger.reference in asked)


def is_watched(latest: Incident | None, now: int) -> bool:
    """Whether the agent has come back from its latest incident and is still judged stricter."""
    return latest is not None and (latest.watched_until or 0) > now


def _requested(event: Mapping[str, Any], detail: Mapping[str, Any], now: int) -> Cause:
    if not {"agent_id", "reason"} <= detail.keys() <= _FIELDS:
        raise ValueError("detail is {agent_id, reason, severity?, reference?} and nothing else")
    severity, reason = detail.get("severity", DEFAULT_SEVERITY), detail["reason"]
    if type(severity) is not int or not 1 <= severity <= MOST_SEVERE:
        raise ValueError(f"severity is a whole number from 1 to {MOST_SEVERE}")
    if not 1 <= len(reason) <= MOST_REASON or not reason.isprintable() or reason != reason.strip():
        raise ValueError(f"reason is one line of 1 to {MOST_REASON} characters, without space at either end")
    reference = _matched(_REFERENCE, detail["reference"]) if "reference" in detail else f"event {event['id']}"
    trigger = Trigger(BY_EVENT, reason, f"event of account {event['account']}", "", now, severity, reference)
    # EventBridge tells whole seconds: it may have been any moment of that one.
    happened = times.parse_rfc3339(event["time"]) + times.SECOND
    return Cause(_matched(AGENT_ID, detail["agent_id"]), happened, trigger)


def _matched(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"not of the form {pattern.pattern}")
    return text
