"""What is compared: the product's own code, and the rule of the guide that teams copy."""

import math
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import Protocol

from bench.detection.datasets import SECOND, Row, Stream
from portcullis.domain.detection import joint
from portcullis.domain.detection.behaviour import Behaviour
from portcullis.domain.detection.context import hour_of
from portcullis.domain.detection.joint import Point
from portcullis.domain.detection.population import Population

HOUR = 3600 * SECOND
BATCH, SHORT_BATCH = 256, 64
POISONS, TIMES_THE_MEAN = 30, 8
VICTIMS, KNOWN = 200, 100
TIE = 1e-6


@dataclass(frozen=True, slots=True)
class Verdict:
    """``rank`` orders requests by how suspicious they are; ``alarm`` is raised without any labels.

    Readings in the same bin of a histogram are equally surprising; ``TIE`` orders them.
    """

    rank: float
    alarm: bool


class Contestant(Protocol):
    """Scores a request, then learns from it."""

    name: str

    def judge(self, row: Row) -> Verdict:
        """The next request of the stream."""

    def measure(self, at: int, value: float) -> tuple[float, ...]:
        """How surprising a measurement is, in one or more readings; every one is learnt, alarm or not."""

    def state_bytes(self) -> int:
        """Of the agent with the largest state."""

    def forget(self) -> None:
        """Whatever the fleet was to learn since the last batch is dropped."""


class Product:
    """The product's code; the fleet's histograms are renewed after every ``BATCH`` requests."""

    name = "Portcullis"

    def __init__(self) -> None:
        self.population, self.delta = Population.new(), Population.new()
        self.agents: dict[int, Behaviour] = defaultdict(Behaviour.new)
        self._judged = 0

    def judge(self, row: Row) -> Verdict:
        """Scores, then learns."""
        verdict = self._judge(self.agents[row[1]], row)
        self._next(BATCH)
        return verdict

    def measure(self, at: int, value: float) -> tuple[float, ...]:
        """The sum that the alarm is read from, the fleet's part of it (here: all values so far), and both added."""
        behaviour, point = self.agents[0], Point(at, value, 0, 0)
        surprise = joint.score(behaviour, self.population, point)
        joint.learn(behaviour, self.delta, point, surprise, flagged=False)
        self._next(SHORT_BATCH)
        return surprise.sum, surprise.fleet, surprise.sum + surprise.fleet

    def timed(self, rows: list[Row]) -> float:
        """Microseconds of processor time per request, the agent's state unpacked and packed for each."""
        packed = {agent: behaviour.pack() for agent, behaviour in self.agents.items()}
        began = time.process_time()
        for row in rows:
            behaviour = Behaviour.unpack(packed[row[1]])
            self._judge(behaviour, row)
            packed[row[1]] = behaviour.pack()
        return (time.process_time() - began) / len(rows) * 1e6

    def state_bytes(self) -> int:
        """Packed."""
        return max(len(behaviour.pack()) for behaviour in self.agents.values())

    def forget(self) -> None:
        """Drops what waits for the next batch."""
        self.delta = Population.new()

    def _next(self, batch: int) -> None:
        self._judged += 1
        if self._judged % batch == 0:
            self.population.add(self.delta)
            self.delta = Population.new()

    def _judge(self, behaviour: Behaviour, row: Row) -> Verdict:
        at, _, usd, endpoint, counterparty, _ = row
        point = Point(at, usd, endpoint, counterparty)
        surprise = joint.score(behaviour, self.population, point)
        alarm = joint.flagged(surprise)
        joint.learn(behaviour, self.delta, point, surprise, alarm)
        return Verdict(surprise.joint + TIE * surprise.total, alarm)


@dataclass(slots=True)
class Recent:
    """The last hundred amounts, their sums, and the hours seen."""

    amounts: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    total: float = 0.0
    squares: float = 0.0
    hours: Counter[int] = field(default_factory=Counter)

    def add(self, usd: float, hour: int) -> None:
        """Learns everything, flagged or not."""
        if len(self.amounts) == self.amounts.maxlen:
            oldest = self.amounts[0]
            self.total -= oldest
            self.squares -= oldest * oldest
        self.amounts.append(usd)
        self.total += usd
        self.squares += usd * usd
        self.hours[hour] += 1

    def deviations(self, usd: float) -> float:
        """|amount - mean| / stdev; 0 before there are ten."""
        count = len(self.amounts)
        if count < 10:
            return 0.0
        mean = self.total / count
        variance = max(self.squares / count - mean * mean, 1e-9)
        return abs(usd - mean) / math.sqrt(variance)


class Guide:
    """Beyond 3 standard deviations up to 3 points, an unusual hour 1; 3 are an alarm. Of addresses there is no data."""

    name = "the guide's rule"

    def __init__(self) -> None:
        self.agents: dict[int, Recent] = {}

    def judge(self, row: Row) -> Verdict:
        """Scores, then learns."""
        recent = self.agents.setdefault(row[1], Recent())
        hour, deviations = hour_of(row[0]), recent.deviations(row[2])
        points = min(3.0, deviations / 3) if deviations > 3 else 0.0
        seen = sum(recent.hours.values())
        if seen >= 10 and not recent.hours[hour]:
            points += 1
        recent.add(row[2], hour)
        return Verdict(points + 1e-3 * deviations, points >= 3)

    def measure(self, at: int, value: float) -> tuple[float, ...]:
        """Its score."""
        return (self.judge((at, 0, value, 0, 0, 0)).rank,)

    def timed(self, rows: list[Row]) -> float:
        """Microseconds of processor time per request, the state in memory."""
        began = time.process_time()
        for row in rows:
            self.judge(row)
        return (time.process_time() - began) / len(rows) * 1e6

    def state_bytes(self) -> int:
        """A hundred doubles and an hour's counts of two bytes."""
        return 100 * 8 + 24 * 2

    def forget(self) -> None:
        """There is no fleet."""


def poisoned(contestant: Contestant, stream: Stream) -> float:
    """The share caught of ``POISONS`` amounts of 8 times the mean, an hour apart, to 200 agents with a history."""
    amounts: dict[int, list[float]] = defaultdict(list)
    for row in stream.rows():
        amounts[row[1]].append(row[2])
    known = sorted(agent for agent, listed in amounts.items() if len(listed) >= KNOWN)
    victims = known[:: max(1, len(known) // VICTIMS)]
    caught = 0
    for agent in victims:
        usd = TIMES_THE_MEAN * sum(amounts[agent]) / len(amounts[agent])
        rows = [(stream.columns[0][-1] + number * HOUR, agent, usd, 0, 0, 1) for number in range(1, POISONS + 1)]
        caught += sum(contestant.judge(row).alarm for row in rows)
        contestant.forget()
    return caught / (len(victims) * POISONS)
