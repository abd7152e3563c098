"""S3, DynamoDB and KMS in memory, several writers of the real code, and a scheduler that lets anything go wrong.

One schedule is one seed. At each step some writer does one operation, or fails in or after it, or dies; an operation of
the dead may still take effect later; messages come again; an administrator puts back an older checkpoint.
"""

import hashlib
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from portcullis.aws import audit_objects
from portcullis.domain import audit_log, audit_tree
from portcullis.domain.audit_operations import (
    Claim,
    ClaimAll,
    Contended,
    Create,
    Found,
    LastBetween,
    Operation,
    Read,
    Recordable,
    Replace,
    Sign,
    Standing,
    Steps,
    T,
)
from portcullis.domain.audit_tree import Log
from portcullis.protocol import audit_entries, checkpoints, merkle, segments, tiles
from portcullis.protocol.audit_entries import Entry
from portcullis.protocol.notes import VerifierKey
from portcullis.protocol.ocsf import ocsf_of

KEY = VerifierKey("simulated.example.com/audit", bytes(32))


class Broken(AssertionError):
    """The log is not what it has to be."""


class Failed(Exception):
    """An operation failed; nobody knows whether it took effect."""


def entry(id_: str, second: int = 0, rev: int = 1) -> Recordable:
    """An entry that differs from others by its id or second, and from its twins by ``rev``."""
    at = f"2026-11-21T06:31:{second:02d}.000Z"
    made = Entry(id_, "price.set", at, None, None, "", None, rev, False, "set", ocsf_of("price.set"), {})
    return Recordable(id_, audit_entries.encode(made))


def said(data: bytes) -> tuple[str, str, int]:
    """What an entry says, whatever id it got to be told from its twin."""
    made = audit_entries.parse(data)
    return made.id.partition("!")[0], made.at, made.rev


@dataclass
class World:
    """What is stored, and what was ever said of it."""

    objects: dict[str, Found] = field(default_factory=dict)
    versions: dict[str, list[bytes]] = field(default_factory=dict)
    claims: dict[str, dict[str, Claim]] = field(default_factory=dict)
    signed: list[bytes] = field(default_factory=list)
    full: int = 200
    day: int = 0
    create_only: bool = True

    def apply(self, operation: Any) -> Any:
        """Do one operation, at once."""
        match operation:
            case Read(path):
                return self.objects.get(path)
            case LastBetween(after, before):
                return max((path for path in self.objects if after < path < before), default=None)
            case Create(path, body):
                return self._put(path, body, path not in self.objects or not self.create_only)
            case Replace(path, body, etag):
                present = self.objects.get(path)
                return self._put(path, body, (present.etag if present else None) == etag)
            case ClaimAll():
                return self.claim(operation)
            case Sign(message):
                self.signed.append(message)
                return hashlib.sha512(message).digest()
        raise TypeError(f"no such operation: {operation}")

    def claim(self, wanted: ClaimAll) -> Standing | None:
        """All, or none when a single claim is not what was expected, or there are new ones and no room."""
        held = self.claims.setdefault(wanted.item, {})
        full = len(held) >= self.full
        if any(held.get(name) != over for name, over in wanted.over.items()) or (full and None in wanted.over.values()):
            return Standing(dict(held), full)
        held.update(dict.fromkeys(wanted.over, wanted.claim))
        return None

    def run(self, steps: Steps[T]) -> T:
        """Do all of it, with nobody else about."""
        return audit_objects.run(steps, self.apply)

    def _put(self, path: str, body: bytes, allowed: bool) -> bool:
        if allowed:
            versions = self.versions.setdefault(path, [])
            versions.append(body)
            self.objects[path] = Found(body, f"{path}@{len(versions)}", self.day)
        return allowed

    def pass_days(self, days: int) -> None:
        """Time in which the bucket's lifecycle removes every passing file that was put three days ago."""
        self.day += days
        for path, found in list(self.objects.items()):
            if tiles.is_passing(path) and found.at <= self.day - 3:
                del self.objects[path]

    def put_back(self, path: str, rng: random.Random) -> None:
        """What an administrator can do to an object that is replaced: make an older version the latest."""
        if path in self.versions:
            self._put(path, rng.choice(self.versions[path]), allowed=True)

    def recorded(self) -> list[bytes]:
        """The entries of the segments, one after the other; Broken when they are not one chain."""
        entries: list[bytes] = []
        last, chain = segments.FIRST, set[str]()
        while (found := self.objects.get(path := segments.segment_path(len(entries)))) is not None:
            segment = segments.parse(found.body)
            if segment.header.previous != last:
                raise Broken(f"{path} does not follow the segment before it")
            chain.add(path)
            last = segment.header.digest
            entries += segment.entries
        if stray := {path for path in self.objects if path.startswith("seg/")} - chain:
            raise Broken(f"forked: {stray}")
        return entries


Record = Callable[[Log | None, list[Recordable], Callable[[], str]], Steps[Log]]


def real(log: Log | None, batch: list[Recordable], nonce: Callable[[], str]) -> Steps[Log]:
    """The code under test."""
    return audit_log.record(log, batch, lambda: KEY, nonce)


@dataclass
class Writer:
    """One process: what it knows, and the invocation it is in."""

    log: Log | None = None
    batch: list[Recordable] = field(default_factory=list)
    steps: Iterator[Any] | None = None
    wants: Operation | None = None


class Schedule:
    """One run from one seed."""

    def __init__(self, seed: int, record: Record = real, start: World | None = None, twins: bool = True) -> None:
        self.rng = random.Random(seed)
        self.world = World(dict(start.objects), {}, deepcopy(start.claims)) if start else World()
        self.world.full = self.rng.choice((1, 2, 200))
        self.before = [said(data) for data in self.world.recorded()]
        self.record = record
        self.queue = [entry(f"e{number}#1", number % 2) for number in range(self.rng.randint(2, 7))]
        if twins and self.rng.random() < 0.2:
            self.queue.append(entry("e0#1", rev=2))  # another event that says it is the same
        if twins and self.rng.random() < 0.2:
            self.queue.append(entry("e0#1", second=1))  # the same id at another instant
        self.all = list(self.queue)
        self.acknowledged: set[bytes] = set()
        self.writers = [Writer() for _ in range(self.rng.randint(2, 3))]
        self.late: list[Operation] = []
        self.trouble = self.rng.choice((0.02, 0.08, 0.2))

    def run(self, steps: int = 160) -> None:
        """Trouble for a while, then peace until all is recorded and published, then the reckoning."""
        for _ in range(steps):
            if not self._open() and self.rng.random() < 0.5:
                break
            self._step(self.trouble)
        for _ in range(4_000):
            if not self._open():
                break
            self._step(0)
        else:
            raise Broken("wedged: what is left cannot be recorded")
        for operation in self.late:
            self.world.apply(operation)
        self.world.run(self._invocation(Writer(), []))
        self._check()

    def _open(self) -> bool:
        recorded_all = len(self.acknowledged) == len(self.all)
        return not recorded_all or any(writer.steps is not None for writer in self.writers)

    def _step(self, trouble: float) -> None:
        rng, writer = self.rng, self.rng.choice(self.writers)
        if trouble and rng.random() < 0.02:
            self.world.put_back("checkpoint", rng)
            self.world.put_back("head", rng)
        if trouble and rng.random() < 0.02:
            self.world.pass_days(rng.choice((1, 4)))
            for each in self.writers:  # no invocation lasts that long
                each.steps = each.wants = None
        if self.late and rng.random() < 0.1:
            self.world.apply(self.late.pop(rng.randrange(len(self.late))))
        if writer.steps is None:
            self._start(writer)
        elif rng.random() < trouble:
            self._fail(writer)
        else:
            answer = self.world.apply(writer.wants)
            if trouble and rng.random() < 0.03:
                answer = self.world.apply(writer.wants)  # the first answer was lost, and the call repeated
            self._advance(writer, answer)

    def _start(self, writer: Writer) -> None:
        rng = self.rng
        waiting = [each for each in self.queue if each.data not in self.acknowledged]
        if rng.random() < 0.1:
            waiting = list(self.all)  # delivered again, though it was acknowledged
        writer.batch = rng.sample(waiting, min(len(waiting), rng.randint(0, 4)))
        writer.steps = self._invocation(writer, writer.batch)
        self._advance(writer, None)

    def _invocation(self, writer: Writer, batch: list[Recordable]) -> Steps[None]:
        nonces = self.rng
        if batch:
            writer.log = yield from self.record(writer.log, batch, lambda: f"{nonces.getrandbits(128):032x}")
            if nonces.random() < 0.95 or not self.trouble:
                self.acknowledged |= {each.data for each in batch}
        log = yield from audit_log.current(writer.log, lambda: KEY)
        writer.log = yield from audit_tree.publish(log, KEY)
        if not batch:
            yield from audit_tree.renew(writer.log.published, self.world.day)

    def _advance(self, writer: Writer, answer: Any) -> None:
        assert writer.steps is not None
        try:
            writer.wants = writer.steps.send(answer)  # type: ignore[attr-defined]
        except (StopIteration, Contended):
            writer.steps = writer.wants = None

    def _fail(self, writer: Writer) -> None:
        """The operation fails before or after its effect, or has it later; the process may die with it."""
        fate = self.rng.random()
        assert writer.wants is not None
        if fate < 0.4:
            self.world.apply(writer.wants)
        elif fate < 0.6 and isinstance(writer.wants, Create | Replace | ClaimAll):
            self.late.append(writer.wants)
        writer.steps = writer.wants = None
        if self.rng.random() < 0.5:
            writer.log = None

    def _check(self) -> None:
        entries = self.world.recorded()
        identities = [audit_entries.parse_identity(data) for data in entries]
        found = sorted(said(data) for data in entries)
        if len(set(identities)) < len(identities) or found != sorted(
            [*self.before, *(said(each.data) for each in self.all)]
        ):
            raise Broken(f"lost or doubled: {sorted(identities)}")
        self._check_versions()
        self._check_published(entries)

    def _check_versions(self) -> None:
        for path, versions in self.world.versions.items():
            if path not in ("checkpoint", "head") and len(set(versions)) > 1:
                raise Broken(f"overwritten: {path}")

    def _check_published(self, entries: list[bytes]) -> None:
        leaves = [merkle.leaf_hash(data) for data in entries]
        frontier, roots = merkle.Frontier(), {}
        for leaf in leaves:
            frontier = frontier.append(leaf)
            roots[frontier.size] = frontier.root()
        for message in self.world.signed:
            signed = checkpoints.parse_text(message.decode())
            if roots.get(signed.size) != signed.root:
                raise Broken(f"a root was signed that the log does not have at {signed.size}")
        latest = checkpoints.open_checkpoint(self.world.objects["checkpoint"].body, KEY, lambda *_: True)
        if latest.size != len(entries):
            raise Broken(f"the checkpoint is of {latest.size}, the log has {len(entries)}")
        for path, body in tiles.grow(tiles.Edge(), entries).files.items():
            found = self.world.objects.get(path)
            if found is None or found.body != body:
                raise Broken(f"{path} is not what the entries lead to")


def grown(size: int) -> World:
    """A world whose log has ``size`` entries, recorded and published by the code under test."""
    world = World()
    schedule = Schedule(0)
    schedule.world = world
    for at in range(0, size, 100):
        batch = [entry(f"old{number}#1") for number in range(at, min(at + 100, size))]
        world.run(schedule._invocation(Writer(), batch))
    world.signed.clear()
    world.versions.clear()
    return world
