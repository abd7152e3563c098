"""What people read: what happened, what was done and what to run next, whatever others wrote into it."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain import notices
from portcullis.domain.notices import MOST_SUBJECT, Notice
from portcullis.domain.webhooks import is_posted

BUS = Path(__file__).parents[3] / "events" / "bus"
INCIDENT, AGENT, FINDING = "in_" + "b" * 22, "ag_" + "a" * 22, "fd_00Gh2kQe0Zs7WcX1bYpL4t"
Event = dict[str, Any]


def event(type_: str, **data: Any) -> Event:
    loaded: Event = json.loads((BUS / f"{type_}.json").read_text())
    loaded["data"] |= data
    return loaded


def notice(told: Event) -> Notice:
    found = notices.of_event("test", told)
    assert found is not None
    return found


def commands(text: str) -> list[str]:
    """What stands under "Next:"."""
    return [line.strip() for line in text.partition("Next:\n")[2].splitlines()]


def test_a_finding_says_what_was_unusual_and_both_ways_on() -> None:
    told = notice(event("finding.opened"))
    assert (told.type, told.severity) == ("finding.opened", 6)
    assert told.subject == f"[portcullis test] unusual requests of {AGENT} (severity 6)"
    assert "usual about $12.00, this $480.00" in told.text
    assert commands(told.text) == [
        f"portcullis findings explain {FINDING}",
        f'portcullis findings release {FINDING} --reason "…"    # it was legitimate',
        f'portcullis incident start {AGENT} --reason "…"    # it was not',
    ]


def test_an_incident_says_that_the_agent_is_stopped_and_why() -> None:
    told = notice(event("incident.opened"))
    assert told.subject == f"[portcullis test] {AGENT} was cut off (severity 8)"
    assert "none of its transactions can commit" in told.text
    assert "2026-11-21T06:31:00.000Z operator, severity 8: key in a public repository" in told.text
    assert commands(told.text) == [f"portcullis incident show {INCIDENT}"]


def test_a_failed_step_says_why_and_how_to_go_on() -> None:
    told = notice(event("incident.step_failed"))
    assert told.subject == f"[portcullis test] {INCIDENT}: step evidence failed"
    assert "evidence exported: failed, Unavailable S3 did not answer in time" in told.text
    assert commands(told.text)[-1] == f"portcullis incident resume {INCIDENT}"


@pytest.mark.parametrize("type_", ["incident.step_done", "incident.resumed", "agent.suspended", "transaction.frozen"])
def test_what_is_part_of_every_incident_is_told_to_nobody(type_: str) -> None:
    assert notices.of_event("test", event(type_)) is None


def test_what_later_versions_tell_of_incidents_and_lockdowns_has_a_notice_too() -> None:
    recovered = event("incident.joined") | {"type": "incident.came_back"}
    assert notice(recovered).subject == f"[portcullis test] {INCIDENT}: came back ({AGENT})"
    data = {"reason": "the provider is down", "agents": {"done": 3}, "progress": 40}
    told = notice({"type": "lockdown.started", "data": data})
    assert (told.subject, told.severity) == ("[portcullis test] lockdown: started", 10)
    assert told.text.startswith("reason: the provider is down\nprogress: 40\n\nNext:\n  portcullis lockdown status\n")


def incident(**results: dict[str, Any]) -> Event:
    """The public form of one whose steps are done with these results."""
    described: Event = copy.deepcopy(event("incident.opened")["data"])
    for name in notices.STEP_NAMES:
        described["steps"][name] = {"state": "done", "attempts": 1, "result": results.get(name, {})}
    return described


def test_the_summary_of_a_contained_agent_names_what_was_done_and_what_a_person_has_to_do() -> None:
    results: Any = {
        "keys": {"revoked": 2},
        "sources": {"blocked": ["198.51.100.9"], "spared": [], "spared_in_all": 0},
        "secrets": {"rotated": ["bank"], "rotated_in_all": 1, "by_hand": ["provider/key"], "by_hand_in_all": 1},
    }
    told = notices.summary("test", incident(**results))
    assert told.subject == f"[portcullis test] {INCIDENT}: {AGENT} is contained"
    lines = told.text.splitlines()
    assert "keys revoked: revoked 2" in lines
    assert "addresses blocked: blocked 1, spared 0, spared_in_all 0" in lines
    assert "change this secret by hand: provider/key" in lines
    assert commands(told.text)[:2] == [
        f"portcullis incident show {INCIDENT}",
        f"portcullis incident recover {INCIDENT}",
    ]


def test_the_summary_of_what_is_left_says_so_and_how_to_resume() -> None:
    described = incident()
    described["steps"]["evidence"] = {"state": "failed", "attempts": 1, "result": {"error": "E", "cause": "no room"}}
    described["steps"]["keys"] = {"state": "outstanding", "attempts": 0, "result": {}}
    told = notices.summary("test", described)
    assert told.subject == f"[portcullis test] {INCIDENT}: 2 steps of {AGENT} are left"
    assert "evidence exported: failed, E no room" in told.text
    assert "keys revoked: not reported yet" in told.text
    assert f"portcullis incident resume {INCIDENT}" in commands(told.text)


@given(st.text(max_size=2_000), st.sampled_from(["reason", "step", "cause", "detail", "type"]))
def test_nothing_that_others_wrote_makes_a_line_or_a_long_notice(text: str, where: str) -> None:
    told = event("finding.opened") if where == "detail" else event("incident.step_failed")
    before = len(notice(told).text.splitlines())
    if where == "detail":
        told["data"]["signals"][0]["detail"] = text
    elif where == "reason":
        told["data"]["triggers"][0]["reason"] = text
    elif where == "cause":
        told["data"]["steps"]["evidence"]["result"]["cause"] = text
    elif where == "step":
        told["data"]["steps"][text] = told["data"]["steps"]["evidence"]
        told["data"]["step"] = text
    else:
        told["type"] = f"incident.came_back{text}"
        before -= 1  # another template
    found = notice(told)
    assert len(found.text.splitlines()) <= before
    assert len(found.text) < 3_000
    assert 0 < len(found.subject) <= MOST_SUBJECT
    assert found.subject.isascii()
    assert found.subject.isprintable()


def test_webhooks_carry_what_somebody_has_to_act_on() -> None:
    posted = {path.stem for path in BUS.glob("*.json") if is_posted(json.loads(path.read_text()))}
    assert posted >= {"agent.suspended", "finding.opened", "incident.opened", "incident.step_done"}
    assert {name.partition(".")[0] for name in posted} <= {"agent", "finding", "incident", "lockdown"}
    assert not is_posted(event("finding.opened", severity=4))
