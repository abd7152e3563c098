"""An agent is cut off while it goes on sending, and every step of what follows fails once and is completed later."""

import itertools
import json
import os
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from local.tap import Tap
from portcullis.aws import incidents
from portcullis.aws.changes import Actor
from portcullis.aws.dynamo import Table
from portcullis.aws.settings import AwsEnvironment
from portcullis.aws.wire import Service
from portcullis.domain.incidents import DONE, FAILED, OUTSTANDING, Incident
from portcullis.domain.times import SECOND
from tests.functions.settling import TOKEN
from tests.journey.deployment import POLICY, WALLET, Agent, Deployment
from tests.local.waiting import until

RUNS = int(os.environ.get("INCIDENTS", "2"))
REQUESTS_PER_SECOND, SENDERS = 50, 10
STEPS = ("keys", "transactions")
OTHERS = {
    "sources": "ContainSources",
    "secrets": "ContainSecrets",
    "evidence": "ContainEvidence",
    "notice": "ContainNotice",
}
STORES = ("dynamodb", "s3", "secretsmanager", "sns")
STOPPED = {"agent_suspended", "invalid_credentials"}


class Desk:
    """Where incidents are asked for and looked at."""

    def __init__(self, deployment: Deployment, service: Service) -> None:
        self.deployment = deployment
        self.table = Table(deployment.outputs["CoreTable"], service)
        self.states, self.events = deployment.root("stepfunctions"), deployment.root("events")
        (machine,) = self.states.list_state_machines()["stateMachines"]
        self.machine = machine["stateMachineArn"]

    def ask(self, agent: Agent, **detail: Any) -> int:
        """Put a request for an incident on the bus; when, in microseconds."""
        asked = time.time_ns() // 1000
        entry = {
            "EventBusName": self.deployment.outputs["BusName"],
            "Source": "portcullis.trigger",
            "DetailType": "incident.requested",
            "Detail": json.dumps({"agent_id": agent.agent_id, "reason": "drill", **detail}),
        }
        assert self.events.put_events(Entries=[entry])["FailedEntryCount"] == 0
        return asked

    def latest(self, agent: Agent) -> Incident | None:
        return incidents.latest(self.table, agent.agent_id)

    def told(self, agent: Agent, *states: str, run: int = 1) -> Incident:
        """The agent's incident once each of STEPS is in one of these states, in this run."""

        def look() -> Incident | None:
            found = self.latest(agent)
            fits = found is not None and all(found.steps[name].state in states for name in STEPS)
            return found if fits and self.finished(found, run) else None

        found = until(look, 60)
        assert found is not None
        return found

    def finished(self, incident: Incident | None, run: int) -> bool:
        """Whether this run of the state machine has come to its end; it never fails."""
        executions = self.states.list_executions(stateMachineArn=self.machine)["executions"]
        status = {each["name"]: each["status"] for each in executions}.get(f"{incident and incident.id}-{run}")
        assert status in (None, "RUNNING", "SUCCEEDED")
        return status == "SUCCEEDED"

    def resume(self, incident: Incident) -> None:
        actor = Actor("arn:aws:iam::123456789012:user/operator", "", time.time_ns() // 1000)
        assert incidents.resume(self.table, actor, incident.id) is not None


@pytest.fixture
def desk(deployment: Deployment) -> Iterator[Desk]:
    environment = AwsEnvironment("us-east-1", "test", "test", None, deployment.description["endpoint_url"])
    service = Service("dynamodb", environment)
    yield Desk(deployment, service)
    service._close()


class Fire:
    """Payments by one agent at a steady rate, from several threads, until it is over."""

    def __init__(self, deployment: Deployment, agent: Agent) -> None:
        self.deployment, self.agent = deployment, agent
        self.over = threading.Event()
        self.answers: list[tuple[int, str]] = []

    def send(self, sender: int) -> None:
        begun = time.monotonic() + sender / REQUESTS_PER_SECOND
        for number in itertools.count():
            due = begun + number * SENDERS / REQUESTS_PER_SECOND
            if self.over.wait(max(0, due - time.monotonic())):
                return
            answer = self.deployment.pay(self.agent, "1")
            self.answers.append((answer.status_code, answer.json().get("code", "")))


@contextmanager
def under_fire(deployment: Deployment, agent: Agent) -> Iterator[Fire]:
    fire = Fire(deployment, agent)
    with ThreadPoolExecutor(SENDERS) as threads:
        sending = [threads.submit(fire.send, sender) for sender in range(SENDERS)]
        try:
            until(lambda: len(fire.answers) >= REQUESTS_PER_SECOND, 60)
            yield fire
        finally:
            fire.over.set()
    assert [sent.exception() for sent in sending] == [None] * SENDERS


def committed(deployment: Deployment, agent: Agent) -> dict[str, int]:
    """When each transaction of the agent was committed."""
    return {item["sk"]["S"]: int(item["created_at"]["N"]) for item in deployment.transactions(agent)}


def stopped(desk: Desk, agent: Agent) -> tuple[float, float]:
    """Cut the agent off while it sends; after how many seconds its last transaction was committed, and all steps were
    done."""
    deployment = desk.deployment
    with under_fire(deployment, agent) as fire:
        asked = desk.ask(agent)
        until(lambda: fire.answers[-1][1] in STOPPED, 60)
        before, count = committed(deployment, agent), len(fire.answers)
        until(lambda: len(fire.answers) > count + REQUESTS_PER_SECOND, 60)
    assert committed(deployment, agent) == before
    assert len(before) == [status for status, _ in fire.answers].count(201)
    assert {code for status, code in fire.answers if status != 201} <= STOPPED
    done = desk.told(agent, DONE)
    return (max(before.values()) - asked) / SECOND, (max(step.at or 0 for step in done.steps.values()) - asked) / SECOND


def test_an_agent_that_sends_50_requests_a_second_is_stopped_and_commits_nothing_afterwards(
    deployment: Deployment, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    times = []
    for _ in range(RUNS):
        agent = deployment.agent({"rate": {"per_minute": 60_000, "burst": 10_000}})
        times.append(stopped(desk, agent))
        assert {item["status"]["S"] for item in deployment.transactions(agent)} == {"frozen"}
        assert deployment.spent(agent) == 0
    last, done = (statistics.median(each) for each in zip(*times, strict=True))
    with capsys.disabled():
        print(f"\n{RUNS} incidents: last commit {last:.2f} s after the trigger, steps done {done:.2f} s (medians)")


def test_two_triggers_at_once_are_one_incident(deployment: Deployment, desk: Desk, tap: Tap) -> None:
    agent = deployment.agent()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda reference: desk.ask(agent, reference=reference), ("first", "second")))
    types = ("incident.opened", "incident.joined")
    told = tap.wait(2, lambda event: event["agent"] == agent.agent_id and event["type"] in types)
    assert sorted(event["type"] for event in told) == sorted(types)
    assert len({event["data"]["id"] for event in told}) == 1
    incident = desk.told(agent, DONE)
    assert {trigger.reference for trigger in incident.triggers} == {"first", "second"}


def test_a_flood_of_forged_requests_does_not_stop_the_agent_that_they_name(deployment: Deployment, desk: Desk) -> None:
    agent = deployment.agent()
    forger = replace(agent, secret=deployment.agent().secret)
    with ThreadPoolExecutor(8) as threads:
        codes = set(threads.map(lambda _: deployment.pay(forger).json()["code"], range(150)))
    assert codes == {"invalid_credentials"}
    assert deployment.pay(agent).status_code == 201
    assert desk.latest(agent) is None


@contextmanager
def denied(deployment: Deployment, function: str) -> Iterator[None]:
    """The function's role loses all that it works with."""
    role, iam = deployment.role_of(function).rsplit("/", 1)[1], deployment.root("iam")
    statement = {"Effect": "Deny", "Action": [f"{service}:*" for service in STORES], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="fault", PolicyDocument=document)
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="fault")


def named(deployment: Deployment, function: str) -> str:
    """A function's whole name."""
    pages = deployment.root("lambda").get_paginator("list_functions").paginate()
    (name,) = (each["FunctionName"] for page in pages for each in page["Functions"] if function in each["FunctionName"])
    return str(name)


@contextmanager
def throttled(deployment: Deployment, function: str) -> Iterator[None]:
    """The function gets no process any more."""
    lambdas, name = deployment.root("lambda"), named(deployment, function)
    lambdas.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        lambdas.delete_function_concurrency(FunctionName=name)


@contextmanager
def timing_out(deployment: Deployment, function: str) -> Iterator[None]:
    """The function's store does not answer, and its time is short."""
    lambdas, name = deployment.root("lambda"), named(deployment, function)
    config = lambdas.get_function_configuration(FunctionName=name)
    variables = config["Environment"]["Variables"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        changed = {"Variables": {**variables, "AWS_ENDPOINT_URL": endpoint}}
        lambdas.update_function_configuration(FunctionName=name, Timeout=1, Environment=changed)
        try:
            yield
        finally:
            environment = {"Variables": variables}
            lambdas.update_function_configuration(FunctionName=name, Timeout=config["Timeout"], Environment=environment)


@contextmanager
def poisoned(deployment: Deployment, agent: Agent) -> Iterator[None]:
    """One of the agent's transactions cannot be read."""
    update = {
        "TableName": deployment.outputs["CoreTable"],
        "Key": {name: deployment.transactions(agent)[0][name] for name in ("pk", "sk")},
    }
    dynamodb, code = deployment.root("dynamodb"), {":code": {"S": "?"}}
    dynamodb.update_item(**update, UpdateExpression="SET approval_by = :code", ExpressionAttributeValues=code)
    try:
        yield
    finally:
        dynamodb.update_item(**update, UpdateExpression="REMOVE approval_by")


def is_stopped(deployment: Deployment, agent: Agent) -> bool:
    """Whether a payment is refused because of the containment."""
    return deployment.pay(agent).json().get("code") in STOPPED


def completed(desk: Desk, agent: Agent, incident: Incident) -> None:
    """Resumed, it does what was left."""
    assert is_stopped(desk.deployment, agent)
    desk.resume(incident)
    done = desk.told(agent, DONE, run=2)
    assert {item["status"]["S"] for item in desk.deployment.transactions(agent)} == {"frozen"}
    keys = desk.deployment.operator("GET", f"/v1/agents/{agent.agent_id}/keys").json()["keys"]
    assert {key["state"] for key in keys} == {"revoked"}
    assert done.run == 2


@pytest.mark.parametrize("faults", ["permission and throttle", "time-out and poison"])
def test_steps_that_fail_stop_neither_the_containment_nor_each_other_and_are_done_when_it_is_resumed(
    deployment: Deployment, desk: Desk, faults: str
) -> None:
    agent = deployment.agent()
    assert [deployment.pay(agent).status_code for _ in range(3)] == [201] * 3
    with ExitStack() as failing:
        if faults.startswith("permission"):
            failing.enter_context(denied(deployment, "ContainKeys"))
            failing.enter_context(throttled(deployment, "ContainTransactions"))
        else:
            failing.enter_context(timing_out(deployment, "ContainKeys"))
            failing.enter_context(poisoned(deployment, agent))
        desk.ask(agent)
        incident = desk.told(agent, FAILED)
    why = [incident.steps[name].result for name in STEPS]
    if faults.startswith("permission"):
        assert why[0] == {"error": "AwsError", "cause": "AccessDeniedException (HTTP 403)"}
        assert why[1]["error"] == "Lambda.TooManyRequestsException"
    else:
        assert why[0]["error"] == "Sandbox.Timedout"
        assert why[1] == {"error": "Unavailable", "cause": "1 transactions are not marked yet"}
    completed(desk, agent, incident)


def test_the_other_steps_fail_as_harmlessly_and_the_operators_resume_completes_them(
    deployment: Deployment, desk: Desk
) -> None:
    agent = deployment.agent()
    with ExitStack() as failing:
        for function in OTHERS.values():
            failing.enter_context(denied(deployment, function))
        started = deployment.operator("POST", f"/v1/agents/{agent.agent_id}/incidents", {"reason": "drill"}).json()
        assert is_stopped(deployment, agent)
        path = f"/v1/incidents/{started['id']}"
        states = {**dict.fromkeys(STEPS, DONE), **dict.fromkeys(OTHERS, FAILED)}
        until(lambda: states_of(deployment, path) == states, 60)
    assert deployment.operator("POST", f"{path}/resume").json()["run"] == 2
    until(lambda: states_of(deployment, path) == dict.fromkeys(states, DONE), 60)
    assert "contained_at" in deployment.operator("GET", path).json()


def states_of(deployment: Deployment, path: str) -> dict[str, str]:
    """How each step of an incident stands."""
    return {name: step["state"] for name, step in deployment.operator("GET", path).json()["steps"].items()}


def test_what_cannot_be_recorded_is_outstanding_and_done_again(deployment: Deployment, desk: Desk) -> None:
    agent = deployment.agent()
    assert deployment.pay(agent).status_code == 201
    with denied(deployment, "IncidentRecord"):
        desk.ask(agent)
        incident = desk.told(agent, OUTSTANDING)
    completed(desk, agent, incident)


def test_what_was_approved_before_cannot_be_claimed_after(deployment: Deployment, desk: Desk) -> None:
    executor = deployment.agent({"allowlist": {"wallets": [f"base:{WALLET}"]}}, key={"scopes": ["transactions:claim"]})
    agent = deployment.agent({**POLICY, "executors": [executor.agent_id]})
    txid = deployment.pay(agent).json()["id"]
    with throttled(deployment, "ContainTransactions"):
        desk.ask(agent)
        until(lambda: is_stopped(deployment, agent))
        body = json.dumps({"agent_id": agent.agent_id, "claim_token": TOKEN}).encode()
        claim = deployment.send(deployment.sign(executor, "POST", f"/v1/transactions/{txid}/claim", body))
    assert (claim.status_code, claim.json()["code"]) == (409, "state_conflict")
    assert "frozen" in claim.json()["detail"]
