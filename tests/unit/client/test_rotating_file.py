"""A key that replaces itself: when it is due, once however many share the file, and whatever is lost on the way."""

import asyncio
import json
import logging
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from portcullis.client import (
    AsyncGateway,
    ConflictError,
    Gateway,
    PermissionDeniedError,
    RetryPolicy,
    RotatingFile,
    SecretProvider,
    SecretUnavailableError,
    ed25519,
)
from portcullis.client.fake_keys import OVERLAP_SECONDS, ROTATION_SECONDS, SHOWN_SECONDS
from portcullis.client.gateway import Environment
from portcullis.client.rotating_file import POLL
from portcullis.client.secrets import FileSource
from portcullis.client.testing import FakeGateway
from tests.unit.client.world import NOW

DUE = int(0.9 * ROTATION_SECONDS)
KINDS = ["hmac-sha256", "ed25519"]


class Place:
    """A gateway for tests, a file with a key of its agent, and a clock that the test moves."""

    def __init__(self, folder: Path, kind: str = KINDS[0], *, self_rotation: bool = True) -> None:
        self.now = NOW
        self.fake = FakeGateway(clock=lambda: self.now)
        self.path = folder / "key.json"
        if kind == "ed25519":
            pem = ed25519.new_private_key()
            self.key_id = self.fake.register_public_key(ed25519.public_key_of(pem), self_rotation=self_rotation)
            self.put({"key_id": self.key_id, "private_key": pem})
        else:
            self.key_id, secret = self.fake.issue_key(self_rotation=self_rotation)
            self.put({"key_id": self.key_id, "secret": secret})

    def put(self, held: dict[str, Any]) -> None:
        self.path.touch(mode=0o600)
        self.path.write_text(json.dumps(held))

    @property
    def world(self) -> Environment:
        return Environment(clock=lambda: self.now, sleep=lambda _seconds: None)

    def file(self) -> RotatingFile:
        """As a process that has just started would see it."""
        once = RetryPolicy(attempts=1)
        return RotatingFile(self.path, self.fake.url, transport=self.fake.transport, retry=once, world=self.world)

    def read(self) -> str:
        found = self.file().read()
        assert found is not None
        return found.key_id

    def gateway(self) -> Gateway:
        provider = SecretProvider(self.file())
        return Gateway(self.fake.url, provider=provider, transport=self.fake.transport, world=self.world)

    def successors(self) -> int:
        """How many keys have taken the place of the first."""
        live = self.gateway().keys()
        return sum(key.parent == self.key_id for key in live)

    def rotations(self) -> list[str]:
        return [request.code for request in self.fake.requests if request.path.endswith("/rotate")]


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(tmp_path, request.param)


def test_a_key_that_is_not_due_stays_and_is_asked_about_once(place: Place) -> None:
    assert [place.read() for _ in range(3)] == [place.key_id] * 3
    assert [request.path for request in place.fake.requests] == ["/test/v1/keys"]


def test_a_key_that_is_due_is_replaced_and_both_work(place: Place) -> None:
    place.read()
    other = place.gateway()
    other.whoami()
    place.now += DUE
    new = place.read()
    assert new != place.key_id
    assert (other.whoami().key_id, place.gateway().whoami().key_id) == (place.key_id, new)
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o600
    assert {each.name for each in place.path.parent.iterdir()} == {"key.json", "key.json.lock"}
    assert place.read() == new
    place.now += OVERLAP_SECONDS
    assert other.whoami().key_id == new
    assert "invalid_credentials" in {request.code for request in place.fake.requests}


def test_a_successor_replaces_itself_too(place: Place) -> None:
    names = [place.read()]
    for _ in range(3):
        place.now += DUE
        names.append(place.read())
    assert len(set(names)) == 4
    assert place.rotations() == ["ok"] * 3


def test_a_lost_answer_is_asked_for_again_by_the_next_process(place: Place) -> None:
    place.read()
    place.now += DUE
    place.fake.lose_answer()
    assert place.read() == place.key_id
    assert "pending" in json.loads(place.path.read_text())
    place.now += SHOWN_SECONDS - 1
    assert place.read() != place.key_id
    assert place.rotations() == ["ok", "ok"]
    assert len({request.idempotency_key for request in place.fake.requests[-2:]}) == 1
    assert place.successors() == 1


def test_a_crash_before_the_new_key_is_written_loses_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.read()
    place.now += DUE
    replaces = iter([None, OSError("the disk is full")])
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if failure := next(replaces, None):
            raise failure
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    assert place.read() == place.key_id
    assert place.read() != place.key_id
    assert place.successors() == 1


def test_an_answer_that_is_lost_for_good_is_told_and_the_old_key_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(tmp_path)
    place.read()
    place.now += DUE
    place.fake.lose_answer()
    place.read()
    place.now += SHOWN_SECONDS + 1
    assert place.read() == place.key_id
    assert "state_conflict" in caplog.text
    assert json.loads(place.path.read_text())["secret"] not in caplog.text


def test_a_key_that_may_not_rotate_is_used_on_and_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = Place(tmp_path, self_rotation=False)
    place.read()
    place.now += DUE
    assert place.read() == place.key_id
    assert [(record.levelno, "scope_missing" in record.message) for record in caplog.records] == [
        (logging.WARNING, True)
    ]
    with pytest.raises(PermissionDeniedError, match="scope_missing"):
        place.file().rotate()


def test_who_finds_the_key_rotated_by_somebody_else_is_told(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.gateway().rotate_key()
    with pytest.raises(ConflictError, match="state_conflict"):
        place.file().rotate()
    assert place.read() == place.key_id


def test_of_many_that_share_the_file_one_rotates(place: Place) -> None:
    place.read()
    place.now += DUE
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: place.read(), range(16)))
    assert len(found | {place.key_id}) == 2
    assert place.rotations() == ["ok"]
    assert place.read() != place.key_id


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.path.chmod(0o640)
    with pytest.raises(SecretUnavailableError, match="chmod 600"):
        place.file().read()


def rotates(place: Place) -> Callable[[], None]:
    """The agent replaces its key."""

    def change() -> None:
        place.file().rotate()

    return change


def is_replaced_at_once(place: Place) -> Callable[[], None]:
    """The operator replaces the key without overlap."""

    def change() -> None:
        key_id, secret = place.fake.issue_key(self_rotation=True)
        beside = place.path.with_name("beside")
        beside.touch(mode=0o600)
        beside.write_text(json.dumps({"key_id": key_id, "secret": secret}))
        beside.replace(place.path)
        place.fake.revoke_key(place.key_id)
        place.key_id = key_id

    return change


CHANGES = [rotates, is_replaced_at_once]
WORKERS = 4
ROUNDS = 10


class Load:
    """What the workers have done: every change waits until each has begun and ended a request after the one before."""

    def __init__(self, place: Place, changing: Callable[[Place], Callable[[], None]]) -> None:
        self.change = changing(place)
        polls = changing is rotates
        self.provider = SecretProvider(FileSource(place.path), ttl=1e-9 if polls else 3600, stale=0)
        self.counts = [0] * WORKERS
        self.done = False
        self._fake = place.fake

    def after_two_each(self) -> Callable[[], bool]:
        wanted = [count + 2 for count in self.counts]
        return lambda: self.done or all(count >= need for count, need in zip(self.counts, wanted, strict=True))

    def keys(self) -> int:
        return len({request.key_id for request in self._fake.requests if request.path.endswith("/whoami")})


@pytest.mark.parametrize("changing", CHANGES)
def test_no_request_fails_while_keys_change(tmp_path: Path, changing: Callable[[Place], Callable[[], None]]) -> None:
    place = Place(tmp_path)
    load, moved = Load(place, changing), threading.Condition()
    gateway = Gateway(place.fake.url, provider=load.provider, transport=place.fake.transport, world=place.world)

    def work(number: int) -> None:
        try:
            while not load.done:
                gateway.whoami()
                with moved:
                    load.counts[number] += 1
                    moved.notify_all()
        finally:
            with moved:
                load.done = True
                moved.notify_all()

    with ThreadPoolExecutor(WORKERS) as threads:
        workers = [threads.submit(work, number) for number in range(WORKERS)]
        for _ in range(ROUNDS):
            with moved:
                moved.wait_for(load.after_two_each())
            load.change()
        with moved:
            moved.wait_for(load.after_two_each())
            load.done = True
    assert [worker.result() for worker in workers] == [None] * WORKERS
    assert load.keys() == ROUNDS + 1


@pytest.mark.parametrize("changing", CHANGES)
async def test_nor_on_an_event_loop(tmp_path: Path, changing: Callable[[Place], Callable[[], None]]) -> None:
    place = Place(tmp_path)
    load, moved = Load(place, changing), asyncio.Condition()

    async def work(gateway: AsyncGateway, number: int) -> None:
        while not load.done:
            await gateway.whoami()
            async with moved:
                load.counts[number] += 1
                moved.notify_all()

    options: Any = {"provider": load.provider, "transport": place.fake.transport, "world": place.world}
    async with AsyncGateway(place.fake.url, **options) as gateway, asyncio.TaskGroup() as tasks:
        for number in range(WORKERS):
            tasks.create_task(work(gateway, number))
        for _ in range(ROUNDS):
            async with moved:
                await moved.wait_for(load.after_two_each())
            await asyncio.to_thread(load.change)
        async with moved:
            await moved.wait_for(load.after_two_each())
            load.done = True
    assert load.keys() == ROUNDS + 1


def test_a_key_that_the_operator_wants_replaced_earlier_is_replaced_at_the_next_poll(place: Place) -> None:
    first = place.read()
    place.fake.make_due(first)
    assert place.read() == first
    place.now += int(POLL)
    assert place.read() != first
    assert place.successors() == 1
