"""What an incident was: a false alarm teaches the agent's profile, nothing else does."""

from dataclasses import replace
from typing import Any

import pytest

from functions.operator_api import request
from portcullis.aws import accounts, detection_changes, findings, incident_closing, incidents
from portcullis.aws.wire import Unavailable
from portcullis.domain.detection.findings import OPEN, RELEASED, Finding
from portcullis.domain.incidents import Incident
from portcullis.domain.times import DAY, HOUR, SECOND
from tests.functions.cut_off import GATEWAY, account, close, events, show, start
from tests.functions.deployed import Agent, Deployed
from tests.functions.test_findings import knows, made, profile_of


@pytest.fixture
def agent(stack: Deployed) -> Agent:
    return stack.agent()


@pytest.fixture
def incident(stack: Deployed, agent: Agent) -> Incident:
    found = incidents.find(request.stores().table, start(stack, agent))
    assert found is not None
    return found


def finding(incident: Incident, number: int, before: int = HOUR) -> Finding:
    return made(number, incident.agent, opened_at=incident.opened_at - before)


def state(finding: Finding) -> str:
    found = findings.find(request.stores().table, finding.id)
    assert found is not None
    return found.state


def test_an_open_one_leaves_its_agent_suspended_and_another_can_be_started(
    stack: Deployed, agent: Agent, incident: Incident
) -> None:
    answer = close(stack, incident.id, "drill")
    assert (answer.status, answer.body["state"], answer.body["outcome"]) == (200, "closed", "drill")
    assert (answer.body["closed_by"], answer.body["checklist"]) == (stack.caller, [])
    assert (account(agent).state, account(agent).incident) == ("suspended", None)
    again = start(stack, agent)
    assert again != incident.id
    assert account(agent).incident == again
    assert close(stack, incident.id, "drill").status == 200
    assert account(agent).incident == again, "the other one is none of its business"


def test_it_is_closed_once_and_as_one_thing(stack: Deployed, incident: Incident) -> None:
    first = close(stack, incident.id, "compromise")
    assert close(stack, incident.id, "compromise").body == first.body
    assert len(events(stack, "incident.closed")) == 1
    other = close(stack, incident.id, "false_alarm")
    assert (other.code, "compromise" in other.body["detail"]) == ("state_conflict", True)
    assert stack.operator("POST", "/v1/incidents/{incident}/resume", incident=incident.id).body["run"] == 1


def test_a_false_alarm_teaches_what_was_found(stack: Deployed, incident: Incident) -> None:
    found = finding(incident, 1)
    assert close(stack, incident.id, "false_alarm").status == 200
    assert (state(found), knows(profile_of(incident.agent))) == ("released", True)


@pytest.mark.parametrize("outcome", ["compromise", "drill"])
def test_anything_else_teaches_nothing(stack: Deployed, incident: Incident, outcome: str) -> None:
    found = finding(incident, 1)
    assert close(stack, incident.id, outcome).status == 200
    assert (state(found), knows(profile_of(incident.agent))) == ("closed", False)
    (event,) = events(stack, "finding.closed")
    assert event["data"]["M"]["closed_by"] == {"S": stack.caller}


def test_findings_of_other_times_and_agents_stay_open(stack: Deployed, incident: Incident) -> None:
    older, latest = finding(incident, 1, DAY + SECOND), finding(incident, 2, DAY - SECOND)
    stranger = made(3, "ag_" + "9" * 22, opened_at=incident.opened_at)
    back = replace(
        incident,
        rev=2,
        state="recovered",
        review=None,
        recovered_at=incident.opened_at + HOUR,
        watched_until=incident.opened_at + DAY,
    )
    later = finding(back, 4, -2 * HOUR)
    request.stores().table.transact(*incidents.writing(incident, back, GATEWAY, "incident.recovered"))
    assert close(stack, incident.id, "false_alarm").status == 200
    assert [state(each) for each in (older, stranger, later, latest)] == [OPEN, OPEN, OPEN, RELEASED]


def test_what_an_earlier_incident_was_about_is_left_to_it(stack: Deployed, agent: Agent, incident: Incident) -> None:
    theft = finding(incident, 1)
    back = replace(incident, rev=2, state="recovered", recovered_at=incident.opened_at + 1, watched_until=DAY)
    request.stores().table.transact(*incidents.writing(incident, back, GATEWAY, "incident.recovered"))
    update = {"UpdateExpression": "REMOVE incident"}
    request.stores().table.update_if(accounts.primary_key(agent.agent_id), update)
    second = start(stack, agent)
    assert close(stack, second, "false_alarm").status == 200
    assert state(theft) == OPEN
    assert close(stack, incident.id, "compromise").status == 200
    assert (state(theft), knows(profile_of(incident.agent))) == ("closed", False)


def test_more_findings_than_one_page_has(stack: Deployed, incident: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [finding(incident, number) for number in range(5)]
    monkeypatch.setattr(incident_closing, "_PAGE", 2)
    assert close(stack, incident.id).status == 200
    assert {state(each) for each in found} == {"closed"}


def test_a_call_that_stopped_half_way_is_completed_by_a_repeat(
    stack: Deployed, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [finding(incident, number) for number in range(3)]
    close_finding, left = detection_changes.close, [1]

    def stops(*arguments: Any) -> None:
        if not left:
            raise Unavailable("stopped")
        left.pop()
        close_finding(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(detection_changes, "close", stops)
        assert close(stack, incident.id).code == "dependency_unavailable"
    assert sorted(state(each) for each in found) == ["closed", "open", "open"]
    assert show(stack, incident.id)["state"] == "open"
    assert close(stack, incident.id).body["state"] == "closed"
    assert {state(each) for each in found} == {"closed"}
    assert len(events(stack, "finding.closed")) == 3


@pytest.mark.parametrize(("outcome", "reason"), [("nothing", "x"), ("drill", ""), ("drill", "x" * 201)])
def test_what_it_was_is_one_of_three_for_a_reason(
    stack: Deployed, incident: Incident, outcome: str, reason: str
) -> None:
    body = {"outcome": outcome, "reason": reason}
    answer = stack.operator("POST", "/v1/incidents/{incident}/close", body, incident=incident.id)
    assert answer.code == "malformed_request"
    assert show(stack, incident.id)["state"] == "open"


def test_what_is_not_there_is_not_closed(stack: Deployed) -> None:
    assert close(stack, "in_" + "0" * 22).code == "not_found"
