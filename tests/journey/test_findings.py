"""Something unusual, over HTTP and by the command line: found, explained, released, and usual from then on."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from local.tap import Tap
from portcullis.domain.detection import conduct
from portcullis.domain.detection.observations import ACCEPTED, Observation
from portcullis.domain.detection.profile import Profile
from portcullis.domain.times import SECOND
from tests.journey.deployment import Agent, Deployment
from tests.journey.test_detection import STRANGER

PORTCULLIS = Path(sys.executable).with_name("portcullis")
ELSEWHERE = "198.51.100.201"


def run(deployment: Deployment, *arguments: str) -> Any:
    command = [str(PORTCULLIS), "--local", str(deployment.home.local_json), "--json", *arguments]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def until(holds: Callable[[], Any], seconds: float = 40) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def settle(deployment: Deployment, agent: Agent) -> None:
    """As if the agent had called from its address for three days, for nobody can wait for that."""
    profile, now = Profile.new(b"saltsalt"), time.time_ns() // 1_000
    for hour in range(-72, 0):
        at = now + hour * 3_600 * SECOND
        call = Observation(f"past{hour}#1", agent.agent_id, agent.key_id, at, agent.address, "GET /v1/whoami", ACCEPTED)
        conduct.learn(profile.conduct, call, flagged=False)
    item = {"pk": {"S": f"AGENT#{agent.agent_id}"}, "profile": {"B": profile.pack()}, "version": {"N": "1"}}
    deployment.root("dynamodb").put_item(TableName=deployment.outputs["ProfilesTable"], Item=item)


def read(deployment: Deployment, path: str) -> Any:
    answer = deployment.operator("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def findings(deployment: Deployment, agent: Agent, state: str) -> list[dict[str, Any]]:
    return list(read(deployment, f"/v1/findings?agent={agent.agent_id}&state={state}")["findings"])


def names(finding: dict[str, Any]) -> list[str]:
    return [signal["name"] for signal in finding["signals"]]


def test_an_unknown_network_is_found_explained_released_and_then_known(deployment: Deployment, tap: Tap) -> None:
    agent = deployment.agent()
    settle(deployment, agent)
    away = replace(agent, address=ELSEWHERE)
    paid = deployment.pay(away).json()

    (found,) = until(lambda: findings(deployment, agent, "open"))
    explained = run(deployment, "findings", "explain", found["id"])
    assert names(explained) == ["new_network"]
    assert explained["transaction_ids"] == [paid["id"]]
    assert explained["addresses"] == [{"ip": ELSEWHERE, "country": None}]
    profile = f"/v1/agents/{agent.agent_id}/profile"
    assert read(deployment, profile)["open_finding"] == found["id"]

    released = run(deployment, "findings", "release", found["id"], "--reason", "a second office")
    assert (released["state"], released["reason"]) == ("released", "a second office")
    (event,) = tap.wait(1, lambda event: event["type"] == "finding.released" and event["agent"] == agent.agent_id)
    assert event["data"]["id"] == found["id"]

    # Beside another signal an unknown network would be told again.
    deployment.pay(away, destination=STRANGER)
    (other,) = until(lambda: findings(deployment, agent, "open"))
    assert names(other) == ["destination_outside"]
    assert {each["id"] for each in findings(deployment, agent, "all")} == {found["id"], other["id"]}

    forgotten = run(deployment, "agent", "reset-profile", agent.agent_id, "--reason", "other work")
    assert (forgotten["payments"], forgotten["addresses"]) == (0, [])
    assert read(deployment, "/v1/sources")["sources"] == run(deployment, "sources", "list")["sources"]
