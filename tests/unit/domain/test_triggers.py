"""What starts a containment: only what is exactly of its form, and only what nobody has decided about since."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.functions.incidents import TRIGGER_SOURCE, TRIGGER_TYPE, TYPES
from portcullis.domain import incidents, triggers
from portcullis.domain.detection.findings import NEWS, Finding
from portcullis.domain.detection.signals import Signal
from portcullis.domain.incidents import CLOSED, MOST_REASON, RECOVERED, Incident, Trigger
from portcullis.domain.times import SECOND
from portcullis.domain.triggers import Cause, Found, Start

NOW = 1_800_000_000 * SECOND
AGENT = "ag_" + "a" * 22
BUS = Path("events/bus")


def told(name: str) -> dict[str, Any]:
    """An event of the gateway as EventBridge wraps it."""
    event = json.loads((BUS / f"{name}.json").read_text())
    return {"source": "portcullis", "detail-type": name, "detail": event}


def asked(**detail: Any) -> dict[str, Any]:
    """Somebody's event, of which ``None`` takes a field away."""
    fields = {"agent_id": AGENT, "reason": "seen in a dump", **detail}
    event: dict[str, Any] = json.loads(Path("events/incidents/requested.json").read_text())
    return event | {"detail": {name: value for name, value in fields.items() if value is not None}}


def test_the_rules_let_through_what_is_read() -> None:
    assert (TRIGGER_SOURCE, TRIGGER_TYPE) == (triggers.SOURCE, triggers.REQUESTED)
    assert (*NEWS, *triggers.STARTS) == TYPES


@pytest.mark.parametrize("name", NEWS)
def test_a_verified_finding_is_looked_up(name: str) -> None:
    event = told(name)
    assert triggers.read(event, NOW) == Found(event["detail"]["agent"], event["detail"]["data"]["id"], "203.0.113.7")


@pytest.mark.parametrize("name", triggers.STARTS)
def test_an_incident_is_looked_up(name: str) -> None:
    assert triggers.read(told(name), NOW) == Start("in_" + "b" * 22)


@pytest.mark.parametrize("name", sorted(path.stem for path in BUS.glob("*.json")))
def test_no_other_event_of_the_gateway_asks_for_anything(name: str) -> None:
    if name not in (*NEWS, *triggers.STARTS):
        with pytest.raises(ValueError, match="no verified finding"):
            triggers.read(told(name), NOW)


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "unverified": lambda event: event["detail"].update(verified=False),
    "half verified": lambda event: event["detail"].update(verified="true"),
    "another source": lambda event: event.update(source="aws.s3"),
    "the source of requests": lambda event: event.update(source=triggers.SOURCE),
    "another type inside": lambda event: event["detail"].update(type="finding.updated"),
    "another type outside": lambda event: event.update({"detail-type": "request.refused"}),
    "another version": lambda event: event["detail"].update(v=2),
    "no agent": lambda event: event["detail"].update(agent=None),
    "an agent of another form": lambda event: event["detail"].update(agent="ag_" + "a" * 22 + "#x"),
    "no finding": lambda event: event["detail"]["data"].pop("id"),
    "no detail": lambda event: event.update(detail="x"),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_what_is_no_verified_finding_stops_nobody(change: Callable[[dict[str, Any]], Any]) -> None:
    event = told("finding.opened")
    change(event)
    with pytest.raises((ValueError, TypeError, KeyError)):
        triggers.read(event, NOW)


def test_a_request_is_a_trigger_by_an_event() -> None:
    cause = triggers.read(asked(severity=9, reference="ticket-7"), NOW)
    assert isinstance(cause, Cause)
    trigger = Trigger("event", "seen in a dump", "event of account 123456789012", "", NOW, 9, "ticket-7")
    assert (cause.agent, cause.trigger) == (AGENT, trigger)


def test_without_a_reference_the_event_is_its_own_and_the_severity_is_that_of_a_theft() -> None:
    cause = triggers.read(asked(), NOW)
    assert isinstance(cause, Cause)
    assert (cause.trigger.reference, cause.trigger.severity) == ("event 6a7e8feb-b491-4cf7-a9f1-bf3703467718", 8)


@pytest.mark.parametrize(
    "detail",
    [
        {"agent_id": None},
        {"agent_id": ["x"]},
        {"agent_id": AGENT + "x"},
        {"agent_id": "*"},
        {"reason": None},
        {"reason": ""},
        {"reason": " x"},
        {"reason": "two\nlines"},
        {"reason": "x" * 201},
        {"reason": ["x"]},
        {"severity": 0},
        {"severity": 11},
        {"severity": True},
        {"severity": "9"},
        {"severity": 9.0},
        {"reference": ""},
        {"reference": "two words"},
        {"reference": "x" * 129},
        {"reference": 7},
        {"epoch": 1},
        {"agents": [AGENT]},
    ],
)
def test_a_request_that_is_not_exactly_of_its_form_stops_nobody(detail: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        triggers.read(asked(**detail), NOW)


def finding(*details: str) -> Finding:
    signals = tuple(Signal("amount", detail, 8, "1", "2") for detail in details)
    return Finding("fd_" + "1" * 22, AGENT, ("pk",), signals, 9, 0, 1, ("tx#1",), (), NOW - 9 * SECOND, NOW - SECOND)


def test_a_finding_is_a_trigger_with_its_signals_as_the_reason() -> None:
    cause = triggers.by_finding(finding("9,000 USD, usually 12", "a new address"), "203.0.113.7", NOW)
    reason = "9,000 USD, usually 12; a new address"
    assert cause.trigger == Trigger("finding", reason, "gateway", "203.0.113.7", NOW, 9, "fd_" + "1" * 22)
    assert (cause.agent, cause.happened) == (AGENT, NOW - SECOND)
    assert len(triggers.by_finding(finding("x" * 500), "", NOW).trigger.reason) == MOST_REASON


def over(state: str, ended: int) -> Incident:
    trigger = Trigger("finding", "x", "gateway", "", NOW - 60 * SECOND, 8, "fd_0")
    incident = replace(incidents.opened("in_" + "b" * 22, AGENT, 2, trigger), state=state)
    if state == RECOVERED:
        return replace(incident, recovered_at=ended, watched_until=ended + 100)
    return replace(incident, closed_at=ended)


@pytest.mark.parametrize("state", [RECOVERED, CLOSED])
def test_what_happened_before_the_agent_came_back_is_answered(state: str) -> None:
    cause = triggers.by_finding(finding("x"), "", NOW)
    assert triggers.is_answered(cause, over(state, cause.happened))
    assert not triggers.is_answered(cause, over(state, cause.happened - 1))


def test_a_request_of_the_incident_that_is_over_is_answered_whenever_it_comes() -> None:
    cause = triggers.read(asked(reference="ticket-1"), NOW)
    assert isinstance(cause, Cause)
    ended = over(RECOVERED, cause.happened - 1)
    assert not triggers.is_answered(cause, ended)
    assert triggers.is_answered(cause, replace(ended, triggers=(cause.trigger,)))


def test_a_finding_of_the_incident_that_is_over_is_a_trigger_again_when_it_has_grown_since() -> None:
    cause = triggers.by_finding(replace(finding("x"), id="fd_0"), "", NOW)
    assert not triggers.is_answered(cause, over(RECOVERED, cause.happened - 1))


def test_while_an_incident_is_open_or_where_there_was_none_nothing_is() -> None:
    cause = triggers.by_finding(finding("x"), "", NOW)
    assert not triggers.is_answered(cause, None)
    assert not triggers.is_answered(cause, replace(over(RECOVERED, NOW), state="open"))


def test_a_request_of_the_second_in_which_the_agent_came_back_is_not_answered() -> None:
    cause = triggers.read(asked(), NOW)
    assert isinstance(cause, Cause)
    second = cause.happened - SECOND
    assert not triggers.is_answered(cause, over(RECOVERED, second + SECOND // 2))


def test_an_agent_is_watched_until_its_time_is_over() -> None:
    incident = over(RECOVERED, NOW)
    assert triggers.is_watched(incident, NOW + 99)
    assert not triggers.is_watched(incident, NOW + 100)
    assert not triggers.is_watched(None, NOW)
    assert not triggers.is_watched(over(CLOSED, NOW), NOW)
