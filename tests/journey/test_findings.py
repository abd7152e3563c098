"""An unusual payment, over HTTP and by the command line: found, explained, released, and usual from then on."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.tap import Tap
from tests.journey.deployment import Agent, Deployment

PORTCULLIS = Path(sys.executable).with_name("portcullis")
USUAL, UNUSUAL = 12, "480"


def run(deployment: Deployment, *arguments: str) -> Any:
    command = [str(PORTCULLIS), "--local", str(deployment.home.local_json), "--json", *arguments]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def until(holds: Callable[[], Any], seconds: float = 40) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def profile(deployment: Deployment, agent: Agent) -> dict[str, Any]:
    answer = deployment.operator("GET", f"/v1/agents/{agent.agent_id}/profile")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def findings(deployment: Deployment, agent: Agent, state: str = "open") -> list[dict[str, Any]]:
    answer = deployment.operator("GET", f"/v1/findings?agent={agent.agent_id}&state={state}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["findings"])


def judged(deployment: Deployment, agent: Agent, payments: int) -> bool:
    return bool(profile(deployment, agent)["payments"] == payments)


def test_an_unusual_payment_is_found_explained_released_and_then_usual(deployment: Deployment, tap: Tap) -> None:
    agent = deployment.agent()
    for number in range(USUAL):
        assert deployment.pay(agent, str(1 + number % 2)).status_code == 201
    until(lambda: judged(deployment, agent, USUAL))
    assert findings(deployment, agent) == []
    paid = deployment.pay(agent, UNUSUAL).json()

    (found,) = until(lambda: findings(deployment, agent))
    explained = run(deployment, "findings", "explain", found["id"])
    assert explained["transaction_ids"] == [paid["id"]]
    assert [signal["name"] for signal in explained["signals"]] == ["unusual_payment"]
    assert explained["addresses"] == [{"ip": agent.address, "country": None}]
    assert profile(deployment, agent)["open_finding"] == found["id"]

    released = run(deployment, "findings", "release", found["id"], "--reason", "a new supplier")
    assert (released["state"], released["reason"]) == ("released", "a new supplier")
    (event,) = tap.wait(1, lambda event: event["type"] == "finding.released" and event["agent"] == agent.agent_id)
    assert (event["data"]["id"], event["data"]["reason"]) == (found["id"], "a new supplier")

    deployment.pay(agent, "481")
    until(lambda: judged(deployment, agent, USUAL + 2))
    assert [finding["id"] for finding in findings(deployment, agent, "all")] == [found["id"]]

    forgotten = run(deployment, "agent", "reset-profile", agent.agent_id, "--reason", "other work")
    assert (forgotten["payments"], forgotten["amount"]) == (0, None)
