"""The steps of a containment that concern keys and transactions, and what is recorded of each step."""

import json
from typing import Any

import pytest

from functions.contain_keys import handler as contain_keys
from functions.contain_transactions import handler as contain_transactions
from functions.incident_record import handler as incident_record
from functions.operator_api import request
from portcullis.aws import freezing, incidents, key_revoking
from portcullis.aws.changes import Actor
from portcullis.aws.wire import Unavailable
from portcullis.domain.incidents import BY_OPERATOR, DONE, Incident, Trigger, opened
from tests.functions.deployed import POLICY, Agent, Deployed, forget
from tests.functions.settling import claim, executor, payer, settle, spent
from tests.functions.test_incidents import NOW, contain, events, stored


class Context:
    """A process with this much time left; what it is asked for after that ends at once."""

    def __init__(self, answers: int = 1_000) -> None:
        self.answers = answers

    def get_remaining_time_in_millis(self) -> int:
        self.answers -= 1
        return 20_000 if self.answers >= 0 else 0


def given(incident: Incident, step: str) -> dict[str, Any]:
    return {"incident": incident.id, "agent": incident.agent, "step": step}


def keys(incident: Incident) -> dict[str, Any]:
    return contain_keys.handler(given(incident, "keys"), None)


def transactions(incident: Incident, context: Context | None = None) -> dict[str, Any]:
    return contain_transactions.handler(given(incident, "transactions"), context or Context())


def status(stack: Deployed, agent: Agent, txid: str) -> str:
    path = "/v1/agents/{agent}/transactions/{id}"
    return str(stack.operator("GET", path, agent=agent.agent_id, id=txid).body["status"])


def states(stack: Deployed, agent: Agent) -> list[str]:
    body = stack.operator("GET", "/v1/agents/{agent}/keys", agent=agent.agent_id).body
    return [key["state"] for key in body["keys"]]


def reinstate(stack: Deployed, agent: Agent) -> None:
    """The agent is active again, in the epoch it was suspended to."""
    stack.dynamodb.update_item(
        TableName=stack.environment["CORE_TABLE"],
        Key={"pk": {"S": f"AGENT#{agent.agent_id}"}, "sk": {"S": "ACCOUNT"}},
        UpdateExpression="SET #state = :active REMOVE incident",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":active": {"S": "active"}},
    )


def test_all_keys_end_and_a_second_time_there_are_none(stack: Deployed) -> None:
    agent = stack.agent()
    for _ in range(2):
        stack.operator("POST", "/v1/agents/{agent}/keys", {}, agent=agent.agent_id)
    incident = contain(agent)
    assert stack.call(agent, "GET", "/v1/whoami").status == 200, "a suspended agent may read as long as it has a key"
    assert keys(incident) == {"revoked": 3}
    assert keys(incident) == {"revoked": 0}
    assert states(stack, agent) == ["revoked"] * 3
    forget()
    assert stack.call(agent, "GET", "/v1/whoami").code == "invalid_credentials"


def test_however_many_keys_there_are_all_end(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_revoking, "MAX_AT_ONCE", 2)
    agent = stack.agent()
    for _ in range(4):
        stack.operator("POST", "/v1/agents/{agent}/keys", {}, agent=agent.agent_id)
    assert keys(contain(agent)) == {"revoked": 5}
    assert set(states(stack, agent)) == {"revoked"}


def test_a_run_that_comes_late_leaves_the_keys_that_were_issued_since(stack: Deployed) -> None:
    agent = stack.agent()
    incident = contain(agent)
    reinstate(stack, agent)
    new = stack.operator("POST", "/v1/agents/{agent}/keys", {}, agent=agent.agent_id).body
    assert keys(incident) == {"revoked": 1}
    assert sorted(states(stack, agent)) == ["active", "revoked"]
    assert stack.pay(Agent(agent.agent_id, new["key_id"], new["secret"])).status == 201


def test_what_waits_is_frozen_and_what_was_claimed_is_told(stack: Deployed) -> None:
    pays = executor(stack)
    agent = payer(stack, pays)
    approved, held, claimed, settled = (stack.pay(agent, amount).body["id"] for amount in ("10", "150", "20", "30"))
    for txid in (claimed, settled):
        assert claim(stack, pays, agent, txid).status == 200
    settle(stack, pays, agent, settled)
    incident = contain(agent)
    expected = {"frozen": 2, "usd": "160.00", "claimed": [claimed], "claimed_count": 1, "claimed_usd": "20.00"}
    assert transactions(incident) == expected
    found = [status(stack, agent, txid) for txid in (approved, held, claimed, settled)]
    assert found == ["frozen", "frozen", "executing", "settled"]
    assert spent(stack, agent) == 50_000_000, "what is frozen has given back what it reserved"
    assert settle(stack, pays, agent, claimed, "ref-2").status == 200, "what has moved has moved"
    assert transactions(incident) == expected | {"claimed": [], "claimed_count": 0, "claimed_usd": "0.00"}


def test_what_does_not_fit_into_one_run_is_done_by_the_next_and_counted_in_all(stack: Deployed) -> None:
    agent = stack.agent()
    for _ in range(5):
        assert stack.pay(agent).status == 201
    incident = contain(agent)
    with pytest.raises(Unavailable, match="3 transactions are not marked yet"):
        transactions(incident, Context(2))
    assert transactions(incident)["frozen"] == 5


def test_that_all_are_marked_is_what_counts_and_sums_have_an_end(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freezing, "MOST_COUNTED", 2)
    monkeypatch.setattr(freezing, "PAGE", 1)
    agent = stack.agent()
    paid = [stack.pay(agent).body["id"] for _ in range(4)]
    incident = contain(agent)
    assert transactions(incident)["frozen"] == 4, "those that this run has marked are counted however many"
    again = transactions(incident)
    assert (again["frozen"], "not_counted" in again) == (2, True)
    assert {status(stack, agent, txid) for txid in paid} == {"frozen"}


def test_a_step_that_an_earlier_run_has_done_is_not_done_again(stack: Deployed) -> None:
    agent = stack.agent()
    incident = contain(agent)
    result = {"revoked": 7}
    incidents.record_step(request.stores().table, Actor("gateway", "", NOW), incident.id, "keys", DONE, result)
    assert keys(incident) == result
    assert states(stack, agent) == ["active"]


def test_one_that_cannot_be_read_does_not_hold_up_the_others_and_is_not_passed_over(stack: Deployed) -> None:
    agent = stack.agent()
    broken, *sound = (stack.pay(agent).body["id"] for _ in range(3))
    update: dict[str, Any] = {
        "TableName": stack.environment["CORE_TABLE"],
        "Key": {"pk": {"S": f"AGENT#{agent.agent_id}"}, "sk": {"S": f"TX#{broken}"}},
    }
    unknown = {":code": {"S": "?"}}
    stack.dynamodb.update_item(**update, UpdateExpression="SET approval_by = :code", ExpressionAttributeValues=unknown)
    incident = contain(agent)
    with pytest.raises(Unavailable, match="1 transactions"):
        transactions(incident)
    assert [status(stack, agent, txid) for txid in sound] == ["frozen"] * 2
    stack.dynamodb.update_item(**update, UpdateExpression="REMOVE approval_by")
    assert transactions(incident)["frozen"] == 3


def test_what_the_agent_did_after_it_came_back_is_not_touched(stack: Deployed) -> None:
    agent = stack.agent()
    old = stack.pay(agent).body["id"]
    incident = contain(agent)
    reinstate(stack, agent)
    issued = stack.operator("POST", "/v1/agents/{agent}/keys", {}, agent=agent.agent_id).body
    new = stack.pay(Agent(agent.agent_id, issued["key_id"], issued["secret"])).body["id"]
    assert transactions(incident)["frozen"] == 1
    assert [status(stack, agent, txid) for txid in (old, new)] == ["frozen", "approved"]


@pytest.mark.parametrize("step", [contain_keys, contain_transactions])
def test_of_no_incident_a_step_fails_for_good(stack: Deployed, step: Any) -> None:
    with pytest.raises(KeyError, match="no incident"):
        step.handler({"incident": "in_" + "0" * 22, "agent": "ag_" + "0" * 22, "step": "keys"}, Context())


def record(incident: Incident, step: str, **outcome: Any) -> Incident:
    incident_record.handler({**given(incident, step), "outcome": outcome}, None)
    return stored(incident)


def test_what_a_step_did_is_recorded(stack: Deployed) -> None:
    incident = contain(stack.agent())
    after = record(incident, "keys", result={"revoked": 1})
    assert (after.steps["keys"].state, after.steps["keys"].result) == ("done", {"revoked": 1})
    assert events(incident) == ["incident.opened", "incident.step_done"]


def test_why_a_step_failed_is_recorded_without_its_secrets_and_seen_by_the_alarm(
    stack: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = stack.agent()
    incident = contain(agent)
    cause = json.dumps({"errorMessage": f"refused {agent.secret}", "stackTrace": ["secret line"]})
    after = record(incident, "evidence", error={"Error": "AwsError", "Cause": cause})
    step = after.steps["evidence"]
    assert (step.state, step.result) == ("failed", {"error": "AwsError", "cause": "refused (left out)"})
    assert '"StepFailed":1,"Function":"incident_record"' in capsys.readouterr().out
    assert agent.secret not in str(stack.items())


def test_a_failure_that_is_told_late_undoes_nothing(stack: Deployed) -> None:
    incident = contain(stack.agent())
    done = record(incident, "keys", result={})
    assert record(incident, "keys", error={"Error": "States.Timeout", "Cause": ""}) == done


def test_what_belongs_to_no_incident_is_not_recorded(stack: Deployed) -> None:
    trigger = Trigger(BY_OPERATOR, "x", "arn", "", NOW, 8)
    ghost = opened("in_" + "0" * 22, "ag_" + "0" * 22, 2, trigger)
    with pytest.raises(KeyError, match="no incident"):
        record(ghost, "keys", result={})


def test_policy_and_other_agents_are_not_touched(stack: Deployed) -> None:
    agent, other = stack.agent(), stack.agent(POLICY)
    waiting = stack.pay(other).body["id"]
    incident = contain(agent)
    keys(incident)
    transactions(incident)
    assert status(stack, other, waiting) == "approved"
    assert stack.pay(other).status == 201
    assert request.stores().table.get({"pk": f"AGENT#{agent.agent_id}", "sk": "POLICY#0000000001"}) is not None
