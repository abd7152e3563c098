"""What is normal for the fleet: read when a request is judged, renewed by what requests teach."""

import math
import struct
from typing import NamedTuple

from portcullis.domain import money
from portcullis.domain.detection.histograms import Histogram

HALF_LIFE = 30 * 86_400_000_000
ENDPOINTS = 16
OTHER = 0
VERSION = 1
SUSPICIOUS = 2.2
EXPECTED_SUSPICIOUS = 10**-SUSPICIOUS
_FIRST_MEAN, _FIRST_VARIANCE, _FIRST_WEIGHT = 4.0, 1.0, 4.0
_LEAST_WORTH = 0.05

_SHAPES = ((0.0, 20.0, 400, 100.0), (0.0, 16.0, 320, 100.0), (-2.0, 14.0, 320, 100.0), (-2.0, 18.0, 400, 100.0))
_ENDPOINT_SHAPE = (0.0, 16.0, 160, 1.0)
_HEAD = struct.Struct("<BBq")
_NUMBERS = 24 + 4 + 2


class Norms(NamedTuple):
    """What scoring reads of the counts: the weight of all requests, shares of the hours of the day, the mean size, the
    variance of an agent's sizes, how many of its own sizes the fleet's mean is worth to a new agent, and how much more
    often than expected requests are suspicious."""

    requests: float
    hours: list[float]
    size: float
    variance: float
    worth: float
    excess: float


class Population:
    """Counts that fade: after ``HALF_LIFE`` they are worth half. ``at`` is the instant (microseconds) they refer to.

    sizes      histogram of log(1 + dollars)
    amounts    of the amount's tail within the agent
    events, joints  of the sums that the two alarms are read from
    hours      weight by hour of the day (UTC)
    moments    weight and sum of sizes; weight and sum of squared deviations from the agents' own means
    noted      weight of all requests and of the suspicious ones
    endpoints  sizes by endpoint; the rarest share the one named ``OTHER``
    """

    __slots__ = ("_norms", "amounts", "at", "endpoints", "events", "hours", "joints", "moments", "noted", "sizes")

    def __init__(self) -> None:
        self.at = 0
        self.sizes, self.amounts, self.events, self.joints = (Histogram(*shape) for shape in _SHAPES)
        self.hours = [0.0] * 24
        self.moments = [0.0] * 4
        self.noted = [0.0] * 2
        self.endpoints: dict[int, Histogram] = {}
        self._norms: Norms | None = None

    @classmethod
    def new(cls) -> "Population":
        """Knows nothing; also what gathers the lessons of a batch."""
        return cls()

    def endpoint(self, name: int) -> Histogram:
        """The histogram of an endpoint, to add to."""
        found = self.endpoints.get(name)
        if found is None:
            found = self.endpoints[name] = Histogram(*_ENDPOINT_SHAPE)
        return found

    def norms(self) -> Norms:
        """Computed once after a merge."""
        if self._norms is None:
            weight, total, known, squares = self.moments
            hours = sum(self.hours) + 48
            requests, suspicious = self.noted
            variance = (squares + _FIRST_WEIGHT * _FIRST_VARIANCE) / (known + _FIRST_WEIGHT)
            self._norms = Norms(
                self.sizes.total(),
                [(hour + 2) / hours for hour in self.hours],
                (total + _FIRST_WEIGHT * _FIRST_MEAN) / (weight + _FIRST_WEIGHT),
                variance,
                min(max(variance / max(self.sizes.variance() - variance, variance), _LEAST_WORTH), 1.0),
                suspicious / (requests + 1) / EXPECTED_SUSPICIOUS,
            )
        return self._norms

    def add(self, delta: "Population") -> None:
        """Takes in what a batch taught."""
        self.merge(delta)

    def merge(self, other: "Population") -> None:
        """Adds another, both faded to the later of their instants: the order of merges does not matter."""
        self._norms = None
        at = max(self.at, other.at)
        mine, theirs = (0.5 ** ((at - one.at) / HALF_LIFE) if one.at else 1.0 for one in (self, other))
        self.at = at
        for histogram, added in zip(self.histograms(), other.histograms(), strict=True):
            histogram.merge(added, mine, theirs)
        self.hours = _sum(self.hours, other.hours, mine, theirs)
        self.moments = _sum(self.moments, other.moments, mine, theirs)
        self.noted = _sum(self.noted, other.noted, mine, theirs)
        nothing = Histogram(*_ENDPOINT_SHAPE)
        for name in self.endpoints.keys() | other.endpoints.keys():
            self.endpoint(name).merge(other.endpoints.get(name, nothing), mine, theirs)

    def pack(self) -> bytes:
        """Bytes for storage; version 1."""
        kept = self._commonest()
        numbers = [*self.hours, *self.moments, *self.noted]
        for histogram in [*self.histograms(), *kept.values()]:
            numbers += histogram.bins
        names = struct.pack(f"<{len(kept)}I", *kept)
        return _HEAD.pack(VERSION, len(kept), self.at) + names + struct.pack(f"<{len(numbers)}f", *numbers)

    @classmethod
    def unpack(cls, packed: bytes) -> "Population":
        """What ``pack`` wrote; ValueError when it is something else."""
        read = cls()
        version, count, read.at = _HEAD.unpack_from(packed)
        if version != VERSION:
            raise ValueError(f"population of version {version}, expected {VERSION}")
        names = struct.unpack_from(f"<{count}I", packed, _HEAD.size)
        start = _HEAD.size + 4 * count
        numbers = list(struct.unpack(f"<{(len(packed) - start) // 4}f", packed[start:]))
        read.hours, read.moments, read.noted = numbers[:24], numbers[24:28], numbers[28:_NUMBERS]
        place = _NUMBERS
        for histogram in [*read.histograms(), *map(read.endpoint, names)]:
            end = place + len(histogram.bins)
            histogram.bins = numbers[place:end]
            place = end
        if place != len(numbers):
            raise ValueError(f"population of {len(packed)} bytes, which is not what its head says")
        return read

    def histograms(self) -> tuple[Histogram, ...]:
        """Those of the whole fleet."""
        return self.sizes, self.amounts, self.events, self.joints

    def _commonest(self) -> dict[int, Histogram]:
        """At most ``ENDPOINTS`` of them: what is left over goes to the one called OTHER."""
        ranked = sorted(self.endpoints, key=lambda name: (-sum(self.endpoints[name].bins), name))
        kept = {name: self.endpoints[name] for name in ranked[: ENDPOINTS - 1] if name != OTHER}
        rest = [self.endpoints[name] for name in self.endpoints if name not in kept]
        if rest:
            kept[OTHER] = Histogram(*_ENDPOINT_SHAPE)
            for histogram in rest:
                kept[OTHER].merge(histogram, 1.0, 1.0)
        return kept


def size(usd: float) -> float:
    """An amount in dollars on the scale that histograms use: log(1 + dollars)."""
    return math.log1p(usd) if usd > 0 else 0.0


def usd_of(size: float) -> str:
    """The amount of a size, to the cent."""
    return money.format_usd(round(max(math.expm1(size), 0.0) * 100) * 10_000)


def _sum(left: list[float], right: list[float], mine: float, theirs: float) -> list[float]:
    return [a * mine + b * theirs for a, b in zip(left, right, strict=True)]
