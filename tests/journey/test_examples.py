"""The clients in examples/ as a reader runs them: on the local stack, and on a gateway that loses answers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.toolchain import node_executable
from tests.journey.deployment import WALLET, Deployment
from tests.journey.served_gateway import Served, served_gateway

EXAMPLES = Path(__file__).parents[2] / "examples"
VECTORS = Path(__file__).parents[1] / "vectors"
CLIENTS = ("client.py", "client.mjs", "client.sh")


def tool(name: str) -> str:
    found = shutil.which(name)
    assert found, f"the shell example needs {name}, which this machine lacks; install it (apt install {name})"
    return found


def command(example: str) -> list[str]:
    if example.endswith(".mjs"):
        return [str(node_executable()), str(EXAMPLES / example)]
    if example.endswith(".sh"):
        tool("openssl")
        tool("curl")
        return [tool("bash"), str(EXAMPLES / example)]
    return [sys.executable, "-I", "-S", str(EXAMPLES / example)]


def run(
    example: str, url: str, key_id: str, secret: str, *arguments: str
) -> tuple[subprocess.CompletedProcess[str], list[Any]]:
    """What it did, and the JSON of each line that it printed."""
    environment = {"PORTCULLIS_URL": url, "PORTCULLIS_KEY_ID": key_id, "PORTCULLIS_SECRET": secret}
    environment["PATH"] = "/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(
        [*command(example), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert secret not in done.stdout + done.stderr
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def test_there_are_no_other_examples() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == {*CLIENTS, "agent.py", "executor.py"}


@pytest.mark.parametrize("example", CLIENTS)
def test_whoami_and_one_payment(deployment: Deployment, example: str) -> None:
    agent = deployment.agent()
    done, (identity, decision) = run(example, deployment.agent_url, agent.key_id, agent.secret, WALLET, "12.50")
    assert (done.returncode, done.stderr) == (0, "")
    assert (identity["agent_id"], identity["key_id"]) == (agent.agent_id, agent.key_id)
    assert (decision["status"], decision["amount"]) == ("approved", "12.5")
    (recorded,) = deployment.transactions(agent)
    assert recorded["sk"]["S"] == f"TX#{decision['id']}"
    assert deployment.spent(agent) == 12_500_000


@pytest.mark.parametrize("example", CLIENTS)
def test_a_refusal_is_shown_and_is_a_failure(deployment: Deployment, example: str) -> None:
    agent, other = deployment.agent(), deployment.agent()
    done, (problem,) = run(example, deployment.agent_url, agent.key_id, other.secret, WALLET)
    assert (done.returncode, problem["code"]) == (1, "invalid_credentials")
    done, (_, problem) = run(example, deployment.agent_url, agent.key_id, agent.secret, WALLET, "501")
    assert (done.returncode, problem["code"]) == (1, "policy_denied")


@pytest.fixture
def served() -> Any:
    with served_gateway() as served:
        yield served


@pytest.mark.parametrize("example", CLIENTS)
def test_each_attempt_is_signed_anew_under_one_idempotency_key(served: Served, example: str) -> None:
    served.fake.refuse("dependency_unavailable")
    served.lost = 1
    done, lines = run(example, served.url, served.fake.key_id, served.fake.secret, WALLET)
    assert (done.returncode, lines[-1]["status"]) == (0, "approved")
    codes = [(request.method, request.code) for request in served.fake.requests]
    assert codes == [("GET", "dependency_unavailable"), ("GET", "ok"), ("POST", "ok"), ("POST", "ok")]
    assert len({request.idempotency_key for request in served.fake.requests if request.method == "POST"}) == 1


@pytest.mark.parametrize("example", CLIENTS)
def test_what_is_missing_is_said(example: str) -> None:
    done = subprocess.run(
        [*command(example), WALLET],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "PORTCULLIS_URL" in done.stderr


@pytest.mark.parametrize(
    "vector", json.loads((VECTORS / "signing.json").read_text())["requests"], ids=lambda v: v["name"]
)
def test_the_shell_signs_as_the_vectors_say(vector: dict[str, Any]) -> None:
    """The longest stage makes a secret of 65 bytes, which HMAC hashes first."""
    program = f'source "{EXAMPLES / "client.sh"}"; hmac_hex "$SECRET"'
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "SECRET": vector["secret"]}
    done = subprocess.run(
        [tool("bash"), "-c", program], env=environment, input=vector["string_to_sign"], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.strip() == vector["signature"]
