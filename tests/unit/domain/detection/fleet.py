"""A small fleet, always the same: agents with amounts, hours and endpoints of their own, some of them robbed."""

from dataclasses import dataclass, field
from functools import cache
from random import Random

from portcullis.domain.detection import joint
from portcullis.domain.detection.behaviour import Behaviour
from portcullis.domain.detection.joint import Point, Surprise
from portcullis.domain.detection.population import Population

HOUR = 3_600_000_000
START = 1_795_219_200_000_000  # midnight, UTC
AGENTS, DAYS, BATCH = 40, 60, 64
ROBBED = range(0, AGENTS, 8)
FIRST_THEFT = 40


@dataclass
class Fleet:
    """Who did what, and what the detector said of it."""

    population: Population = field(default_factory=Population.new)
    behaviours: list[Behaviour] = field(default_factory=lambda: [Behaviour.new() for _ in range(AGENTS)])
    thefts: list[bool] = field(default_factory=list)
    false_alarms: list[bool] = field(default_factory=list)

    def behaviour(self, agent: int) -> Behaviour:
        """A copy to try things on."""
        return Behaviour.unpack(self.behaviours[agent].pack())

    @property
    def now(self) -> int:
        """The end of the last day."""
        return START + DAYS * 24 * HOUR


@cache
def trained() -> Fleet:
    """The fleet after ``DAYS``; do not change it."""
    fleet, delta = Fleet(), Population.new()
    for number, (agent, point, theft) in enumerate(_requests()):
        surprise = joint.score(fleet.behaviours[agent], fleet.population, point)
        alarm = joint.flagged(surprise)
        if point.at > START + FIRST_THEFT * 24 * HOUR:
            (fleet.thefts if theft else fleet.false_alarms).append(alarm)
        joint.learn(fleet.behaviours[agent], delta, point, surprise, alarm)
        if number % BATCH == 0:
            fleet.population.add(delta)
            delta = Population.new()
    return fleet


def normal(agent: int, random: Random, at: int) -> Point:
    """A request as the agent makes them."""
    return Point(at, mean(agent) * random.lognormvariate(0, 0.3), agent % 3, agent * 10 + random.randrange(8))


def mean(agent: int) -> float:
    """Dollars."""
    return 5.0 + 4.0 * agent


def replay(behaviour: Behaviour, population: Population, points: list[Point]) -> list[Surprise]:
    """Scores and learns, one after the other; the population stays as it is."""
    surprises = []
    for point in points:
        surprises.append(joint.score(behaviour, population, point))
        joint.learn(behaviour, Population.new(), point, surprises[-1], joint.flagged(surprises[-1]))
    return surprises


def _requests() -> list[tuple[int, Point, bool]]:
    random = Random(7)
    made = []
    for agent in range(AGENTS):
        for day in range(DAYS):
            for _ in range(5):
                at = START + (24 * day + 8) * HOUR + random.randrange(10 * HOUR)
                made.append((agent, normal(agent, random, at), False))
        if agent in ROBBED:
            for number in range(6):
                at = START + (24 * (FIRST_THEFT + 5 + number // 3) + 9 + number) * HOUR
                made.append((agent, Point(at, 5 * mean(agent), agent % 3, 9_000 + number), True))
    return sorted(made, key=lambda one: one[1].at)
