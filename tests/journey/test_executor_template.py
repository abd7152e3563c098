"""examples/executor.py as a process: it pays what was approved once, over crashes, and stops gracefully."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from portcullis.client import Gateway
from tests.journey.deployment import Agent, Deployment
from tests.journey.served_gateway import Served, served_gateway

ROOT = Path(__file__).parents[2]
EXECUTOR = {"scopes": ["transactions:read", "transactions:claim"]}


class Process:
    """The executor with its log; ``pay`` replaces its payment by the body of a function."""

    def __init__(self, folder: Path, environ: dict[str, str], pay: str = "") -> None:
        self.log, self.journal = folder / "executor.log", folder / "journal"
        program = ROOT / "examples/executor.py"
        if pay:
            source = program.read_text().replace(
                "if __name__", f"def pay(transaction, idempotency_key):\n{pay}\n\n\nif __name__"
            )
            program = folder / "executor.py"
            program.write_text(source)
        environment = {
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'examples'}",
            "EXECUTOR_JOURNAL": str(self.journal),
            "EXECUTOR_INTERVAL_SECONDS": "0.1",
            **environ,
        }
        with self.log.open("a") as output:
            self.running = subprocess.Popen(
                [sys.executable, str(program)], env=environment, stdout=output, stderr=output
            )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        if self.running.poll() is None:
            self.running.kill()
        self.running.wait(10)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().split("\n")[:-1]]

    def told(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["event"] == event]

    def wait(self, event: str, count: int = 1) -> None:
        deadline = time.monotonic() + 30
        while len(self.told(event)) < count:
            assert time.monotonic() < deadline, f"no {event} in:\n{self.log.read_text()}"
            time.sleep(0.05)

    def stop(self) -> int:
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(30)


@pytest.fixture
def served() -> Any:
    with served_gateway() as served:
        yield served


def environ_of(url: str, key_id: str, secret: str, agent_id: str) -> dict[str, str]:
    named = {"PORTCULLIS_URL": url, "PORTCULLIS_KEY_ID": key_id, "PORTCULLIS_SECRET": secret}
    return {**named, "EXECUTOR_AGENTS": agent_id}


def environ_of_fake(served: Served) -> dict[str, str]:
    return environ_of(served.url, served.fake.key_id, served.fake.secret, served.fake.agent_id)


def approved(served: Served) -> str:
    """An approved transaction at the gateway for tests."""
    with Gateway(served.url, served.fake.key_id, served.fake.secret) as gateway:
        decision = gateway.create_transaction(
            kind="transfer", amount="1.25", token="USDC", chain="base", destination={"wallet": "0x52"}
        )
    return decision.transaction_id


def described(served: Served, txid: str) -> dict[str, Any]:
    return served.fake._entries[txid].described


def test_it_pays_what_was_approved_until_it_is_told_to_stop(deployment: Deployment, tmp_path: Path) -> None:
    pays = deployment.agent(key=EXECUTOR)
    agent: Agent = deployment.agent({"executors": [pays.agent_id]})
    held = deployment.pay(agent, "200").json()["id"]
    first = deployment.pay(agent, "1").json()["id"]
    with Process(tmp_path, environ_of(deployment.agent_url, pays.key_id, pays.secret, agent.agent_id)) as process:
        process.wait("settled")
        second = deployment.pay(agent, "2").json()["id"]
        process.wait("settled", 2)
        assert process.stop() == 0
    stored = {item["sk"]["S"][3:]: item for item in deployment.transactions(agent)}
    assert {txid: item["status"]["S"] for txid, item in stored.items()} == {
        held: "pending_approval", first: "settled", second: "settled",
    }  # fmt: skip
    assert stored[first]["outcome"]["S"] == f"dry-run-{first}"
    assert pays.secret not in process.log.read_text()
    assert (tmp_path / "journal").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "crash",
    [
        "    os._exit(9)",
        '    open(os.environ["PAID"], "a").write(idempotency_key + "\\n")\n    os._exit(9)',
    ],
    ids=["before paying", "after paying"],
)
def test_after_a_crash_the_same_payment_is_made_under_the_same_key(served: Served, tmp_path: Path, crash: str) -> None:
    txid, paid = approved(served), tmp_path / "paid"
    environ = environ_of_fake(served) | {"PAID": str(paid)}
    with Process(tmp_path, environ, crash) as process:
        assert process.running.wait(30) == 9
    assert described(served, txid)["status"] == "executing"
    whole = '    open(os.environ["PAID"], "a").write(idempotency_key + "\\n")\n    return "ref-1"'
    with Process(tmp_path, environ, whole) as process:
        process.wait("settled")
        assert process.stop() == 0
    assert set(paid.read_text().split()) == {txid}
    assert described(served, txid)["outcome"] == "ref-1"
    tokens = {request.json["claim_token"] for request in served.fake.requests if request.path.endswith("/claim")}
    assert len(tokens) == 1


def test_a_lost_answer_to_the_report_is_reported_again_not_paid_again(served: Served, tmp_path: Path) -> None:
    txid, paid = approved(served), tmp_path / "paid"
    pay = '    open(os.environ["PAID"], "a").write(idempotency_key + "\\n")\n    return "ref-1"'
    served.lost = 2
    with Process(tmp_path, environ_of_fake(served) | {"PAID": str(paid)}, pay) as process:
        process.wait("settled")
        assert process.stop() == 0
    assert paid.read_text().split() == [txid]


def test_a_refused_payment_fails_and_an_unclear_one_is_left_open(served: Served, tmp_path: Path) -> None:
    txid = approved(served)
    with Process(tmp_path, environ_of_fake(served), '    raise TimeoutError("who knows")') as process:
        process.wait("payment_open", 2)
        assert process.stop() == 0
    assert described(served, txid)["status"] == "executing"
    with Process(tmp_path, environ_of_fake(served), '    raise NotPaid("account closed")') as process:
        process.wait("failed")
        assert process.stop() == 0
    assert described(served, txid)["outcome"] == "account closed"


def test_what_was_altered_is_not_paid(served: Served, tmp_path: Path) -> None:
    txid = approved(served)
    described(served, txid)["amount"] = "125"
    with Process(tmp_path, environ_of_fake(served)) as process:
        process.wait("altered")
        assert process.stop() == 0
    assert described(served, txid)["status"] == "approved"


def test_an_open_payment_whose_claim_is_refused_is_left_to_an_operator(served: Served, tmp_path: Path) -> None:
    txid = approved(served)
    with Process(tmp_path, environ_of_fake(served), '    raise TimeoutError("who knows")') as process:
        process.wait("payment_open")
        described(served, txid)["status"] = "needs_reconciliation"
        process.wait("needs_operator")
        assert process.stop() == 0
    assert [line["step"] for line in process.told("needs_operator")] == ["pay"]


def test_one_that_was_taken_before_it_is_nobody_elses_concern(served: Served, tmp_path: Path) -> None:
    txid, journal = approved(served), tmp_path / "journal"
    entry = {"id": txid, "agent": served.fake.agent_id, "token": "claim-token-0000000001", "step": "claim"}
    journal.write_text(json.dumps(entry) + '\n{"id": "torn')
    described(served, txid)["status"] = "cancelled"
    with Process(tmp_path, environ_of_fake(served), '    raise AssertionError("not its own")') as process:
        process.wait("not_ours")
        assert process.stop() == 0
    assert not process.told("payment_open")


@pytest.mark.parametrize(
    ("name", "value"),
    [("EXECUTOR_AGENTS", ""), ("EXECUTOR_AGENTS", "ag_1"), ("EXECUTOR_JOURNAL", "/nowhere/journal"),
     ("EXECUTOR_INTERVAL_SECONDS", "0"), ("PORTCULLIS_URL", "")],
)  # fmt: skip
def test_what_is_wrong_is_said_before_anything_starts(served: Served, tmp_path: Path, name: str, value: str) -> None:
    with Process(tmp_path, environ_of_fake(served) | {name: value}) as process:
        assert process.running.wait(30) == 2
    assert [line["event"] for line in process.lines()] == ["misconfigured"]


def test_two_processes_do_not_share_a_journal(served: Served, tmp_path: Path) -> None:
    with Process(tmp_path, environ_of_fake(served)) as first:
        first.wait("started")
        with Process(tmp_path, environ_of_fake(served)) as second:
            assert second.running.wait(30) == 2
        assert first.stop() == 0
