"""The fleet is locked down while its agents pay as fast as they can, and let go again in stages.

Twelve of them; `make lockdown-fleet` has two hundred, and shows the times.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.tap import Tap
from portcullis.domain.times import SECOND, parse_rfc3339
from tests.journey.deployment import Agent, Deployment
from tests.journey.people import Person

AGENTS, WORKERS = int(os.environ.get("AGENTS", "12")), 6
PORTCULLIS = Path(sys.executable).with_name("portcullis")
Crew = tuple[Person, Person]


@dataclass(frozen=True)
class Attempt:
    """When a payment was sent, in unix seconds, and its answer."""

    sent: float
    status: int
    code: str


@dataclass
class Load:
    """Agents that pay, one after another, until told to stop."""

    deployment: Deployment
    agents: Sequence[Agent]
    stop: threading.Event = field(default_factory=threading.Event)
    attempts: list[Attempt] = field(default_factory=list)

    def __enter__(self) -> "Load":
        self.threads = ThreadPoolExecutor(WORKERS)
        self.working = [self.threads.submit(self._work, self.agents[start::WORKERS]) for start in range(WORKERS)]
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.threads.shutdown()
        assert [each.result() for each in self.working] == [None] * WORKERS

    def await_attempts(self, number: int) -> None:
        """Until so many more were answered."""
        wanted, deadline = len(self.attempts) + number, time.monotonic() + 300
        while len(self.attempts) < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _work(self, own: Sequence[Agent]) -> None:
        while not self.stop.is_set():
            for agent in own:
                sent, answer = time.time(), self.deployment.pay(agent, "1")
                self.attempts.append(Attempt(sent, answer.status_code, answer.json().get("code", "")))


def portcullis(deployment: Deployment, *arguments: str) -> str:
    command = [str(PORTCULLIS), "--local", str(deployment.home.local_json), "lockdown", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def lockdown(deployment: Deployment) -> dict[str, Any]:
    found: dict[str, Any] = deployment.operator("GET", "/v1/lockdown").json()
    return found


def lift(deployment: Deployment, approver: Person, **chosen: Any) -> dict[str, Any]:
    ordered = approver.speak("lockdown-lifts", **chosen)
    assert ordered.status_code == 200, ordered.text
    portcullis(deployment, "resume")
    return lockdown(deployment)


def state(deployment: Deployment, agent: Agent) -> str:
    return str(deployment.operator("GET", f"/v1/agents/{agent.agent_id}").json()["state"])


def suspend(deployment: Deployment, agent: Agent) -> None:
    answer = deployment.operator("POST", f"/v1/agents/{agent.agent_id}/suspend", {"reason": "drill"})
    assert answer.status_code == 200, answer.text


def committed(deployment: Deployment, agents: Sequence[Agent]) -> int:
    partitions = {f"AGENT#{agent.agent_id}" for agent in agents}
    items = deployment.scan("CoreTable")
    return sum(item["pk"]["S"] in partitions and item["sk"]["S"].startswith("TX#") for item in items)


@pytest.fixture
def fleet(deployment: Deployment, crew: Crew) -> Iterator[list[Agent]]:
    """Lifted in the end whatever happened, for the other journeys."""
    with ThreadPoolExecutor(WORKERS) as threads:
        yield list(threads.map(lambda _: deployment.agent(), range(AGENTS)))
    if lockdown(deployment)["state"] not in ("none", "lifted"):
        lift(deployment, crew[1], all=True)


def test_nothing_commits_once_the_lockdown_is_complete_and_lifting_brings_back_who_was_active(
    deployment: Deployment, crew: Crew, fleet: list[Agent], tap: Tap, capsys: pytest.CaptureFixture[str]
) -> None:
    canary, contained, suspended, *others = fleet
    suspend(deployment, suspended)
    with Load(deployment, fleet) as load:
        load.await_attempts(AGENTS)
        portcullis(deployment, "start", "--reason", "drill")
        complete, stored = time.time(), committed(deployment, fleet)
        load.await_attempts(AGENTS)
    began = parse_rfc3339(lockdown(deployment)["started_at"]) / SECOND
    assert committed(deployment, fleet) == stored
    assert not [each for each in load.attempts if each.status == 201 and each.sent > complete]
    assert {each.code for each in load.attempts if each.sent > complete} == {"agent_suspended"}
    tell(capsys, load.attempts, began, complete)

    suspend(deployment, contained)
    assert lift(deployment, crew[0], agents=[canary.agent_id])["state"] == "lifting"
    assert [state(deployment, each) for each in (canary, others[0])] == ["active", "locked"]
    assert deployment.pay(canary).status_code == 201
    assert lift(deployment, crew[1], all=True)["state"] == "lifted"
    states = [state(deployment, each) for each in (contained, suspended, *others)]
    assert states == ["suspended", "suspended", *["active"] * len(others)]
    assert deployment.pay(others[0]).status_code == 201
    tap.wait(1, lambda event: bool(event["type"] == "lockdown.lifted"), seconds=120)


def tell(capsys: pytest.CaptureFixture[str], attempts: list[Attempt], began: float, complete: float) -> None:
    """What was measured, for whoever looks."""
    after = sorted(each.sent - began for each in attempts if each.status == 201 and each.sent > began)
    late = [seconds for seconds in after if seconds > 1]
    rate = len(attempts) / (max(each.sent for each in attempts) - min(each.sent for each in attempts))
    with capsys.disabled():
        print(
            f"\n{AGENTS} agents, {rate:.0f} requests/s: complete after {complete - began:.1f} s; payments that "
            f"committed though sent after it began: {len(after)}, after its first second: {len(late)}, once complete: 0"
        )
