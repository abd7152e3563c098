"""Agents move to a new root of secrets while they work, and the job that moves them is interrupted.

Sixteen of them; `make rekey-fleet` has two hundred.
"""

import json
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from portcullis.client import Gateway, RotatingFile, SecretProvider
from tests.journey.deployment import WALLET, Agent, Deployment, fresh
from tests.journey.test_secret_rotation import PAYMENT, Counted, until

AGENTS, WORKERS, PAYING = int(os.environ.get("AGENTS", "16")), 4, 10
POLL_SECONDS = 1.0


class Fleet:
    """Agents that replace their own keys, at work until told to stop; every tenth of them pays."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self.deployment, self.folder, self.stop = deployment, folder, threading.Event()
        self.answers: list[int] = []
        self.held: dict[str, str] = {}
        with ThreadPoolExecutor(WORKERS) as threads:
            self.agents = list(threads.map(lambda _: deployment.agent(key={"self_rotation": True}), range(AGENTS)))
        self.threads = ThreadPoolExecutor(WORKERS)

    def __enter__(self) -> "Fleet":
        self.working = [self.threads.submit(self._work, self.agents[start::WORKERS]) for start in range(WORKERS)]
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.threads.shutdown()

    def moved(self) -> bool:
        """Whether each has been seen with a key of the new root. Raises what has stopped a worker."""
        for worker in self.working:
            if worker.done():
                worker.result()
        return len(self.held) == AGENTS and all(generation == "1" for generation in self.held.values())

    def _work(self, own: Sequence[Agent]) -> None:
        with ExitStack() as clients:
            gateways = [(agent, clients.enter_context(self._gateway(agent))) for agent in own]
            while not self.stop.is_set():
                for number, (agent, gateway) in enumerate(gateways):
                    self.held[agent.agent_id] = gateway.whoami().key_id.split("_")[2][0]
                    if number % PAYING == 0:
                        gateway.create_transaction(**PAYMENT, destination={"wallet": WALLET})

    def _gateway(self, agent: Agent) -> Gateway:
        path, url = self.folder / f"{agent.agent_id}.json", self.deployment.agent_url
        path.touch(mode=0o600)
        path.write_text(json.dumps({"key_id": agent.key_id, "secret": agent.secret}))
        provider = SecretProvider(RotatingFile(path, url, poll=POLL_SECONDS), ttl=POLL_SECONDS)
        return Gateway(url, provider=provider, transport=Counted(self.answers))


def operate(deployment: Deployment, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = deployment.operator("POST", path, body or {}, Idempotency_Key=fresh("root"))
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


def outstanding(deployment: Deployment, job: str, fleet: Fleet) -> list[str]:
    """The agents of the fleet for which the job still waits."""
    ours, found = {agent.agent_id for agent in fleet.agents}, list[str]()
    cursor: str | None = ""
    while cursor is not None:
        path = f"/v1/key-jobs/{job}/keys?status=outstanding&limit=100{cursor and f'&cursor={cursor}'}"
        page = deployment.operator("GET", path).json()
        found += [key["agent_id"] for key in page["keys"] if key["agent_id"] in ours]
        cursor = page["cursor"]
    return found


def test_no_request_fails_while_a_fleet_moves_to_a_new_root(deployment: Deployment, tmp_path: Path) -> None:
    with Fleet(deployment, tmp_path) as fleet:
        operate(deployment, "/v1/root/generation", {"generation": "1"})
        asked = {"action": "rotate", "generation": "before_current", "reason": "new root"}
        job = operate(deployment, "/v1/key-jobs", asked)["job_id"]
        run = f"/v1/key-jobs/{job}/run"
        interrupted = operate(deployment, run)  # whoever drove it stops here, and somebody else goes on
        until("all agents are seen", lambda: operate(deployment, run)["agents"]["all_seen"], 200)
        until("all agents have keys of the new root", fleet.moved, 200)
        until("none is outstanding", lambda: operate(deployment, run) and not outstanding(deployment, job, fleet), 60)
    assert [worker.result() for worker in fleet.working] == [None] * WORKERS
    assert set(fleet.answers) == {200, 201}
    assert interrupted["state"] == "running"
    assert deployment.operator("GET", f"/v1/key-jobs/{job}").json()["keys"]["done"] >= AGENTS
