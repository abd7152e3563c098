"""When and from where a key was last used, as an operator asks for it at the command line."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from portcullis.domain.times import parse_rfc3339
from tests.journey.deployment import Agent, Deployment

PORTCULLIS = Path(sys.executable).with_name("portcullis")


def listed(deployment: Deployment, agent: Agent, *options: str) -> str:
    command = [str(PORTCULLIS), "--local", str(deployment.home.local_json), *options, "keys", "list", agent.agent_id]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def last_used(deployment: Deployment, agent: Agent) -> Any:
    (key,) = json.loads(listed(deployment, agent, "--json"))["keys"]
    return key["last_used"]


def test_the_list_of_keys_tells_the_address_of_the_last_verified_request(deployment: Deployment) -> None:
    agent = deployment.agent()
    forged = deployment.sign(replace(agent, secret="x" * 55), "GET", "/v1/whoami")
    assert deployment.send(forged).status_code == 401
    assert last_used(deployment, agent) is None
    for caller in (agent, replace(agent, address="198.51.100.23")):
        assert deployment.send(deployment.sign(caller, "GET", "/v1/whoami")).status_code == 200
        assert last_used(deployment, agent)["ip"] == caller.address
        assert caller.address in listed(deployment, agent)


def test_a_replay_from_elsewhere_changes_nothing(deployment: Deployment) -> None:
    agent = deployment.agent()
    signed = deployment.sign(agent, "GET", "/v1/whoami")
    assert deployment.send(signed).status_code == 200
    used = last_used(deployment, agent)
    replayed = replace(signed, headers={**signed.headers, "X-Forwarded-For": "198.51.100.24"})
    assert deployment.send(replayed).json()["code"] == "nonce_replayed"
    assert last_used(deployment, agent) == used
    assert used["ip"] == agent.address
    assert 0 <= parse_rfc3339(used["at"]) // 1_000_000 - int(signed.headers["X-Timestamp"]) <= 300
