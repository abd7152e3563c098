"""Rotation by the operator over HTTP: both keys in the overlap, the old one refused from its end on, emergencies."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from portcullis.domain.times import SECOND, parse_rfc3339
from tests.journey.deployment import Agent, Deployment

PORTCULLIS = Path(sys.executable).with_name("portcullis")
SHORTEST_OVERLAP = 30
KEYS = 3


@dataclass(frozen=True)
class Rotation:
    """A key and its successor. From ``ends_at`` (unix seconds) on the old one is refused."""

    old: Agent
    new: Agent
    ends_at: float


def rotate(deployment: Deployment, old: Agent, overlap: int) -> Rotation:
    path = f"/v1/agents/{old.agent_id}/keys/{old.key_id}/rotate"
    answer = deployment.operator("POST", path, {"overlap_seconds": overlap})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    ends_at = parse_rfc3339(made["parent_ends_at"]) / SECOND
    return Rotation(old, replace(old, key_id=made["key_id"], secret=made["secret"]), ends_at)


def paid(deployment: Deployment, agent: Agent) -> int:
    return deployment.pay(agent, "1").status_code


def read(deployment: Deployment, agent: Agent) -> int:
    return deployment.send(deployment.sign(agent, "GET", "/v1/whoami")).status_code


def works(deployment: Deployment, key: Agent) -> bool:
    """Whether a payment and then a read with this key pass. Both do or none, but for the moment of its end."""
    statuses = paid(deployment, key), read(deployment, key)
    assert statuses in ((201, 200), (201, 401), (401, 401))
    return statuses == (201, 200)


def warm(deployment: Deployment, agent: Agent) -> None:
    """On many connections, so that every process has the key's record."""
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: read(deployment, agent), range(24))) == {200}


@pytest.fixture(scope="module")
def overlapping(deployment: Deployment) -> list[Rotation]:
    """Rotations with the shortest overlap, in which both keys work. It runs while the other tests of this module do."""
    agents = [deployment.agent() for _ in range(KEYS)]
    for agent in agents:
        warm(deployment, agent)
    rotations = [rotate(deployment, agent, SHORTEST_OVERLAP) for agent in agents]
    assert all(works(deployment, key) for rotation in rotations for key in (rotation.old, rotation.new))
    return rotations


def test_an_emergency_ends_the_old_key_for_transactions_at_once(
    deployment: Deployment, overlapping: list[Rotation]
) -> None:
    agent = deployment.agent()
    warm(deployment, agent)
    rotation = rotate(deployment, agent, 0)
    with ThreadPoolExecutor(8) as threads:
        codes = set(threads.map(lambda _: deployment.pay(agent, "1").json()["code"], range(16)))
    assert codes == {"invalid_credentials"}
    assert paid(deployment, rotation.new) == 201
    assert len(deployment.transactions(agent)) == 1


def test_all_keys_of_an_agent_are_revoked_by_one_call(deployment: Deployment, overlapping: list[Rotation]) -> None:
    agent = deployment.agent()
    rotation = rotate(deployment, agent, 60)
    answer = deployment.operator("POST", f"/v1/agents/{agent.agent_id}/keys/revoke")
    assert sorted(answer.json()["revoked"]) == sorted([agent.key_id, rotation.new.key_id])
    assert {paid(deployment, key) for key in (agent, rotation.new)} == {401}


def portcullis(deployment: Deployment, *arguments: str) -> str:
    command = [str(PORTCULLIS), "--local", str(deployment.home.local_json), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_an_operator_rotates_at_the_command_line(deployment: Deployment, overlapping: list[Rotation]) -> None:
    agent = deployment.agent()
    lines = portcullis(deployment, "keys", "rotate", agent.agent_id, agent.key_id, "--overlap", "1h", "--env")
    key_id, secret = (line.partition("=")[2] for line in lines.splitlines())
    assert paid(deployment, replace(agent, key_id=key_id, secret=secret)) == paid(deployment, agent) == 201
    heading, new, old = portcullis(deployment, "keys", "list", agent.agent_id).splitlines()
    assert heading.split()[:6] == ["KEY", "STATE", "CLASS", "AGE", "ROTATE", "BY"]
    assert new.split()[:5] == [key_id, "active", "development", "0", "d"]
    assert agent.key_id in new.split()
    assert old.split()[:2] == [agent.key_id, "retiring"]


def test_the_old_key_works_until_its_end_and_not_after_it(deployment: Deployment, overlapping: list[Rotation]) -> None:
    """What was answered before the end was allowed; what was sent after it is refused."""
    last, sent = max(rotation.ends_at for rotation in overlapping), 0.0
    while sent < last:
        for rotation in overlapping:
            sent = time.time()
            worked = works(deployment, rotation.old)
            assert worked or time.time() >= rotation.ends_at
            assert not worked or sent < rotation.ends_at
            assert works(deployment, rotation.new)
        time.sleep(0.2)
    for rotation in overlapping:
        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(lambda key: read(deployment, key), [rotation.old] * 16)) == {401}
        assert paid(deployment, rotation.old) == 401
