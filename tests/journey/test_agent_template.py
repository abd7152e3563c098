"""examples/agent.py as a process: what it checks, logs, survives, and how it stops."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.journey.deployment import WALLET, Deployment
from tests.journey.served_gateway import Served, served_gateway

ROOT = Path(__file__).parents[2]
WORK = {"AGENT_WALLET": WALLET, "AGENT_AMOUNT": "1.25", "AGENT_INTERVAL_SECONDS": "0.1"}


class Process:
    """The agent with its log."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.log = folder / "agent.log"
        environment = {"PYTHONPATH": str(ROOT / "src"), **WORK, **environ}
        with self.log.open("w") as output:
            command = [sys.executable, str(ROOT / "examples/agent.py")]
            self.running = subprocess.Popen(command, env=environment, stdout=output, stderr=output)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Whole lines so far; each is JSON."""
        return [json.loads(line) for line in self.log.read_text().split("\n")[:-1]]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines if not line["event"].startswith("HTTP Request")]

    def wait(self, event: str, count: int = 1) -> None:
        deadline = time.monotonic() + 30
        while self.events().count(event) < count:
            assert time.monotonic() < deadline, f"no {event} in:\n{self.log.read_text()}"
            assert self.running.poll() is None, f"it ended:\n{self.log.read_text()}"
            time.sleep(0.05)

    def stop(self) -> int:
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(30)


@contextmanager
def started(folder: Path, environ: dict[str, str]) -> Iterator[Process]:
    process = Process(folder, environ)
    try:
        yield process
    finally:
        if process.running.poll() is None:
            process.running.kill()
        process.running.wait(10)


@pytest.fixture
def served() -> Iterator[Served]:
    with served_gateway() as served:
        yield served


def environ_of(served: Served) -> dict[str, str]:
    fake = served.fake
    return {"PORTCULLIS_URL": served.url, "PORTCULLIS_KEY_ID": fake.key_id, "PORTCULLIS_SECRET": fake.secret}


def test_it_pays_until_it_is_told_to_stop(deployment: Deployment, tmp_path: Path) -> None:
    agent = deployment.agent()
    environ = {"PORTCULLIS_URL": deployment.agent_url, "PORTCULLIS_KEY_ID": agent.key_id}
    with started(tmp_path, {**environ, "PORTCULLIS_SECRET": agent.secret}) as process:
        process.wait("approved", 3)
        assert process.stop() == 0
    events = process.events()
    assert events[:3] == ["started", "key_picked_up", "approved"]
    assert events[-1] == "stopped"
    assert len(deployment.transactions(agent)) == events.count("approved")
    assert agent.secret not in process.log.read_text()


def test_a_rotated_key_is_picked_up_without_a_failure(deployment: Deployment, tmp_path: Path) -> None:
    agent = deployment.agent()
    file = tmp_path / "key.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"key_id": agent.key_id, "secret": agent.secret}))
    environ = {"PORTCULLIS_URL": deployment.agent_url, "PORTCULLIS_SECRET_FILE": str(file)}
    with started(tmp_path, environ) as process:
        process.wait("approved", 2)
        new = deployment.operator("POST", f"/v1/agents/{agent.agent_id}/keys", {}).json()
        file.write_text(json.dumps({"key_id": new["key_id"], "secret": new["secret"]}))
        deployment.operator("POST", f"/v1/agents/{agent.agent_id}/keys/{agent.key_id}/revoke")
        process.wait("key_picked_up", 2)
        process.wait("approved", process.events().count("approved") + 2)
        assert process.stop() == 0
    picked = [line["key_id"] for line in process.lines if line["event"] == "key_picked_up"]
    assert picked == [agent.key_id, new["key_id"]]
    assert set(process.events()) == {"started", "key_picked_up", "approved", "stopped"}
    assert not any(secret in process.log.read_text() for secret in (agent.secret, new["secret"]))


def test_the_schedule_picks_up_a_key_that_is_not_refused_yet(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"key_id": served.fake.key_id, "secret": served.fake.secret}))
    environ = {"PORTCULLIS_URL": served.url, "PORTCULLIS_SECRET_FILE": str(file), "AGENT_KEY_TTL_SECONDS": "0.3"}
    with started(tmp_path, environ) as process:
        process.wait("approved")
        key_id, secret = served.fake.issue_key()
        file.write_text(json.dumps({"key_id": key_id, "secret": secret}))
        process.wait("key_picked_up", 2)
        assert process.stop() == 0
    assert {request.code for request in served.fake.requests} == {"ok"}


def test_the_request_in_flight_is_finished_and_no_other_is_started(served: Served, tmp_path: Path) -> None:
    served.go.clear()
    with started(tmp_path, environ_of(served)) as process:
        assert served.arrived.wait(20)
        process.running.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.running.wait(0.5)
        served.go.set()
        assert process.running.wait(20) == 0
    assert process.events() == ["started", "key_picked_up", "approved", "stopped"]
    assert len(served.fake.requests) == 1


def test_a_payment_whose_answers_are_lost_stays_the_same_payment(served: Served, tmp_path: Path) -> None:
    served.lost = 5
    with started(tmp_path, environ_of(served)) as process:
        process.wait("approved")
        assert process.stop() == 0
    assert process.events()[:4] == ["started", "key_picked_up", "will_try_again", "approved"]
    assert len({request.idempotency_key for request in served.fake.requests[:6]}) == 1


def test_a_suspended_agent_ends(served: Served, tmp_path: Path) -> None:
    served.fake.refuse("agent_suspended")
    with started(tmp_path, environ_of(served)) as process:
        assert process.running.wait(20) == 1
    assert process.events() == ["started", "key_picked_up", "not_permitted", "stopped"]


def test_a_denial_is_told_with_its_rules(served: Served, tmp_path: Path) -> None:
    served.fake.deny()
    served.fake.hold()
    with started(tmp_path, environ_of(served)) as process:
        process.wait("approved")
        process.stop()
    assert process.events()[2:5] == ["denied", "held", "approved"]
    (denied,) = [line for line in process.lines if line["event"] == "denied"]
    assert "destination_not_allowlisted" in denied["rules"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"PORTCULLIS_URL": "", "AGENT_AMOUNT": "much"}, "PORTCULLIS_URL is not set; AGENT_AMOUNT must be a number"),
        ({"AGENT_WALLET": ""}, "AGENT_WALLET is not set"),
        ({"AGENT_INTERVAL_SECONDS": "-1"}, "AGENT_INTERVAL_SECONDS must be a number above 0"),
        ({"PORTCULLIS_SECRET": ""}, "PORTCULLIS_SECRET is not set"),
        ({"PORTCULLIS_URL": "http://gateway.example.com"}, "Use https"),
    ],
)
def test_a_wrong_environment_is_told_before_anything_starts(
    served: Served, tmp_path: Path, change: dict[str, str], told: str
) -> None:
    with started(tmp_path, {**environ_of(served), **change}) as process:
        assert process.running.wait(20) == 2
    (line,) = process.lines
    assert (line["event"], line["level"]) == ("misconfigured", "error")
    assert told in line["detail"]
    assert served.fake.requests == []
    assert served.fake.secret not in process.log.read_text()


def test_logs_are_redacted_whatever_is_logged(served: Served) -> None:
    program = """
import logging, sys
sys.path.insert(0, "examples")
import agent
handler = logging.StreamHandler(sys.stdout); handler.setFormatter(agent.JsonLines())
logging.basicConfig(handlers=[handler], level=logging.INFO)
secret = sys.argv[1]
logging.info("signing with %s", secret)
headers = {"X-Signature": "ab" * 32, "Authorization": "Basic1"}
logging.info("headers", extra={"fields": {"signature": "short", "headers": headers}})
try:
    raise ValueError(f"bad secret={secret!r}")
except ValueError:
    logging.exception("failed")
"""
    done = subprocess.run(
        [sys.executable, "-c", program, served.fake.secret],
        cwd=ROOT, env={"PYTHONPATH": "src"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["signing with [redacted]", "headers", "failed"]
    assert lines[1]["signature"] == "[redacted]"
    assert not any(hidden in done.stdout for hidden in (served.fake.secret, "ab" * 32, "short", "Basic1"))
    assert "ValueError: bad secret='[redacted]" in lines[2]["traceback"]
