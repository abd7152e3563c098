"""What the rules keep of one agent, in 487 bytes: its addresses, its windows, its own rates, its last payment.

Everything is bounded, and no number shrinks by an event that comes late or out of order: what is older than its window
is left out.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from zlib import crc32

from portcullis.domain import times
from portcullis.domain.detection import places
from portcullis.domain.detection.findings import Lesson
from portcullis.domain.detection.observations import DENIED, FAILED, LIMITED, Observation
from portcullis.domain.detection.places import Places, Source
from portcullis.domain.detection.windows import Shape, Window

MINUTE, PERIOD = 60, 600
PERIODS_AN_HOUR = 6
CALLS = Shape(5, "HH")
"""Requests and errors of each of five minutes."""
ASKED = Shape(PERIODS_AN_HOUR, "HHHI")
"""Payments, those denied, limit hits and the cents of the others, of each ten minutes of an hour."""
LEARNT_HOURS, LEARNT_MINUTES = 12, 30
"""So many hours and minutes in which it did something make an own rate."""
MEMORY = 48
"""How many of them an own rate remembers."""
CLIP = 3
"""One hour teaches no more than so many times the own rate."""
LONG_RUN = 5
OURS = frozenset({"dependency_unavailable", "state_conflict"})
"""Refusals that are no fault of the caller's: our own failures, and executors that raced for one claim."""
_CENT = 10_000
_MOST_LEARNT, _MOST_RUN = 2**62, 255
_FIXED = struct.Struct("<BIBQBQBQIIIBB")
_SIZES = (_FIXED.size, CALLS.layout.size, ASKED.layout.size, places.SIZE)
SIZE = sum(_SIZES)
VERSION = 1


class UnknownVersion(ValueError):
    """The packed state is of a version or size that this code does not know."""


@dataclass(slots=True)
class Usual:
    """An own rate: the mean of the last ``learnt`` periods that had anything in them, in 256ths of one."""

    learnt: int = 0
    mean: int = 0

    def learn(self, number: int, warm: int) -> None:
        """One more period. After ``warm`` of them, none teaches more than a few times the mean."""
        scaled = number * 256
        if self.learnt >= warm:
            scaled = min(scaled, self.mean * CLIP)
        self.learnt = min(self.learnt + 1, MEMORY)
        self.mean = min(self.mean + (scaled - self.mean) // self.learnt, _MOST_LEARNT)

    def times(self, factor: int) -> int:
        """So many times what is usual, in whole numbers."""
        return self.mean * factor // 256


@dataclass(slots=True)
class Conduct:
    """The state of one agent. Instants are seconds; ``content`` and ``event`` are digests of the last payment, ``run``
    how many like it there were in a row, ``told`` the longest run that was told of.
    """

    started: int = 0
    payments: Usual = field(default_factory=Usual)
    cents: Usual = field(default_factory=Usual)
    requests: Usual = field(default_factory=Usual)
    content: int = 0
    event: int = 0
    paid_at: int = 0
    run: int = 0
    told: int = 0
    calls: Window = field(default_factory=lambda: Window.new(CALLS))
    asked: Window = field(default_factory=lambda: Window.new(ASKED))
    places: Places = field(default_factory=Places)

    @classmethod
    def new(cls) -> "Conduct":
        """That of an agent that has done nothing."""
        return cls()

    def pack(self) -> bytes:
        """As many bytes as ``SIZE`` says."""
        usual = (number for each in (self.payments, self.cents, self.requests) for number in (each.learnt, each.mean))
        last = (self.content, self.event, self.paid_at, self.run, self.told)
        fixed = _FIXED.pack(VERSION, self.started, *usual, *last)
        return fixed + self.calls.pack() + self.asked.pack() + self.places.pack()

    @classmethod
    def unpack(cls, data: bytes) -> "Conduct":
        """What `pack` made; UnknownVersion where it is not."""
        if len(data) != SIZE or data[0] != VERSION:
            raise UnknownVersion("expected the state of rules, version 1")
        parts, at = [], 0
        for size in _SIZES:
            parts.append(data[at : at + size])
            at += size
        _, started, *numbers = _FIXED.unpack(parts[0])
        payments, cents, requests = (Usual(*numbers[at : at + 2]) for at in (0, 2, 4))
        content, event, paid_at, run, told = numbers[6:]
        return cls(
            started,
            payments=payments,
            cents=cents,
            requests=requests,
            content=content,
            event=event,
            paid_at=paid_at,
            run=run,
            told=told,
            calls=Window.unpack(CALLS, parts[1]),
            asked=Window.unpack(ASKED, parts[2]),
            places=Places.unpack(parts[3]),
        )

    def is_long(self, run: int) -> bool:
        """Whether so many equal payments in a row are worth telling: each time twice as many as the last time."""
        return run >= max(LONG_RUN, 2 * self.told)


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation in the units of the state: seconds, steps of the windows, and what it adds to them."""

    now: int
    source: Source
    content: int
    event: int
    call: tuple[int, int]
    ask: tuple[int, int, int, int]


def seen(observation: Observation) -> Seen:
    """What the rules see of it."""
    count, payment = observation.count, observation.payment
    failed = observation.outcome == FAILED and observation.problem not in OURS
    limits = observation.outcome == LIMITED or any(
        rule == "rate_limited" or rule.endswith("_limit") for rule in observation.rules
    )
    denied = observation.outcome == DENIED
    cents = (payment.usd or 0) // _CENT if payment and not denied else 0
    return Seen(
        now=observation.at // times.SECOND,
        source=places.source_of(observation.ip, observation.country, observation.key),
        content=crc32(payment.content_sha256.encode()) if payment else 0,
        event=crc32(observation.id.encode()),
        call=(count, count if failed else 0),
        ask=(count if payment else 0, count if denied else 0, count if limits else 0, cents),
    )


def run_with(conduct: Conduct, request: Seen) -> int:
    """How many payments of this content there were in a row, this one among them; 0 if it is not the next."""
    if not request.content or request.now < conduct.paid_at or request.event == conduct.event:
        return 0
    follows = request.content == conduct.content and request.now - conduct.paid_at <= PERIOD
    return min(conduct.run + 1, _MOST_RUN) if follows else 1


def learn(conduct: Conduct, observation: Observation, flagged: bool) -> None:
    """Count it. If it is ``flagged``, which is to say that a person is told of it, its address and its run become none
    the more usual."""
    request = seen(observation)
    conduct.started = conduct.started or request.now
    first_day = request.now < conduct.started + places.DAY
    conduct.places.learn(request.source, request.now, known=first_day, flagged=flagged)
    _learn_run(conduct, request, flagged)
    _count(conduct, request)


def release(conduct: Conduct, lessons: Iterable[Lesson]) -> None:
    """An operator says that these requests were legitimate: where they came from is known."""
    for lesson in lessons:
        conduct.places.trust(places.source_of(lesson.ip, lesson.country, ""), lesson.at // times.SECOND)


def _learn_run(conduct: Conduct, request: Seen, flagged: bool) -> None:
    run = run_with(conduct, request)
    if run:
        conduct.content, conduct.event, conduct.paid_at, conduct.run = request.content, request.event, request.now, run
    if conduct.is_long(run) and not flagged:
        conduct.told = run


def _count(conduct: Conduct, request: Seen) -> None:
    """Into the windows; what leaves them, because a new minute or hour begins, teaches the own rates."""
    minute, period = request.now // MINUTE, request.now // PERIOD
    if minute > conduct.calls.newest and (calls := conduct.calls.cell(conduct.calls.newest)[0]):
        conduct.requests.learn(calls, LEARNT_MINUTES)
    hour = conduct.asked.newest // PERIODS_AN_HOUR
    if period // PERIODS_AN_HOUR > hour:
        payments, _, _, cents = conduct.asked.sums(hour * PERIODS_AN_HOUR + PERIODS_AN_HOUR - 1)
        if payments:
            conduct.payments.learn(payments, LEARNT_HOURS)
            conduct.cents.learn(cents, LEARNT_HOURS)
    conduct.calls.add(minute, request.call)
    conduct.asked.add(period, request.ask)
