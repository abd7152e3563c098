"""An agent replaces its own key on the deployed gateway, and nobody notices but a thief."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx

from local.tap import Tap
from portcullis.client import AsyncGateway, Gateway, RotatingFile, SecretProvider
from portcullis.client.secrets import FileSource
from tests.journey.deployment import Agent, Deployment, fresh

ROTATIONS = 3


def rotate(deployment: Deployment, agent: Agent, key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key or fresh("rotation")}
    return deployment.send(deployment.sign(agent, "POST", "/v1/keys/rotate", b"{}", headers=headers))


def child_of(agent: Agent, answer: httpx.Response) -> Agent:
    assert answer.status_code == 201, answer.text
    return replace(agent, key_id=answer.json()["key_id"], secret=answer.json()["secret"])


def listed(deployment: Deployment, agent: Agent) -> dict[str, str]:
    answer = deployment.send(deployment.sign(agent, "GET", "/v1/keys"))
    assert answer.status_code == 200, answer.text
    return {key["key_id"]: key["state"] for key in answer.json()["keys"]}


def test_a_key_replaces_itself_once_and_shows_the_same_successor_again(deployment: Deployment, tap: Tap) -> None:
    old, key = deployment.agent(key={"self_rotation": True}), fresh("rotation")
    with ThreadPoolExecutor(4) as threads:
        same = list(threads.map(lambda _: rotate(deployment, old, key), range(4)))
    new = child_of(old, same[0])
    assert {answer.text for answer in same} == {same[0].text}
    assert rotate(deployment, old).json()["code"] == "state_conflict"
    assert listed(deployment, new) == {old.key_id: "retiring", new.key_id: "active"}
    assert deployment.pay(new).status_code == deployment.pay(old).status_code == 201
    (event,) = tap.wait(1, lambda event: event["type"] == "key.rotated" and event["agent"] == old.agent_id)
    assert (event["verified"], event["key"], event["ip"]) == (True, new.key_id, old.address)
    assert event["data"]["actor"] == old.key_id


def test_of_many_that_ask_at_once_one_has_a_successor(deployment: Deployment) -> None:
    old = deployment.agent(key={"self_rotation": True})
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: rotate(deployment, old), range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert len(listed(deployment, old)) == 2


def test_a_thief_loses_the_successor_with_the_stolen_key(deployment: Deployment) -> None:
    old = deployment.agent(key={"self_rotation": True})
    thief = child_of(old, rotate(deployment, old))
    grandchild = child_of(thief, rotate(deployment, thief))
    told = rotate(deployment, old).json()
    assert (told["code"], "rotated already" in told["detail"]) == ("state_conflict", True)
    assert deployment.pay(grandchild).status_code == 201
    revoked = deployment.operator("POST", f"/v1/agents/{old.agent_id}/keys/{old.key_id}/revoke")
    assert revoked.status_code == 200
    assert [deployment.pay(each).status_code for each in (old, thief, grandchild)] == [401] * 3


def test_it_is_off_unless_the_operator_says_otherwise(deployment: Deployment) -> None:
    agent = deployment.agent()
    refused = rotate(deployment, agent)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert listed(deployment, agent) == {agent.key_id: "active"}


def test_no_request_fails_while_the_key_changes(deployment: Deployment, tmp_path: Path) -> None:
    agent, path = deployment.agent(key={"self_rotation": True}), tmp_path / "key.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"key_id": agent.key_id, "secret": agent.secret}))
    file, url, seen = RotatingFile(path, deployment.agent_url), deployment.agent_url, set[str]()
    turn = threading.Barrier(3, timeout=30)

    def blocking() -> None:
        with Gateway(url, provider=SecretProvider(FileSource(path), ttl=0.01)) as gateway:
            for _ in range(ROTATIONS + 1):
                turn.wait()
                seen.update(gateway.whoami().key_id for _ in range(3))

    async def on_a_loop() -> None:
        async with AsyncGateway(url, provider=SecretProvider(FileSource(path), ttl=0.01)) as gateway:
            for _ in range(ROTATIONS + 1):
                await asyncio.to_thread(turn.wait)
                found = await asyncio.gather(*(gateway.whoami() for _ in range(3)))
                seen.update(identity.key_id for identity in found)

    with ThreadPoolExecutor(2) as threads:
        workers = [threads.submit(blocking), threads.submit(lambda: asyncio.run(on_a_loop()))]
        for _ in range(ROTATIONS):
            turn.wait()
            file.rotate()
        turn.wait()
        assert [worker.result() for worker in workers] == [None, None]
    assert len(seen) > ROTATIONS // 2
    assert json.loads(path.read_text())["key_id"] in seen
