"""The joint detector: how surprising one request is by itself, and together with what came before it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from portcullis.domain.detection import amounts, context
from portcullis.domain.detection.behaviour import Behaviour, Pending
from portcullis.domain.detection.histograms import Histogram
from portcullis.domain.detection.population import EXPECTED_SUSPICIOUS, OTHER, SUSPICIOUS, Population, size

BUDGET = 1.0  # false alarms in 1,000 requests
WARM_UP = 10  # requests of a new agent that teach it even if flagged
# The weights and the four after them were chosen on the tuning days of public data: docs/detection-model.md.
HOUR_WEIGHT, ENDPOINT_WEIGHT, COUNTERPARTY_WEIGHT, RATE_WEIGHT = 0.3, 0.3, 0.2, 0.2
FADES = 60 * context.HOUR  # accumulated evidence is 37 % after this time
# Of evidence: what one request can add at most, what is normal, the most in all.
MOST_AT_ONCE, EXPECTED, STRONGEST = 4.0, 0.95, 6.0
ACCUMULATED_WEIGHT, UNHEEDED = 0.55, 0.5
ALONE = 20  # requests before and after a suspicious one that make it a matter of chance
ALONE_WEIGHT = (1 - EXPECTED_SUSPICIOUS) ** (-2 * ALONE)  # for those that chance put near one another
FLEET_WARM_UP = 5_000.0  # requests until which everything teaches the fleet
CREDIBLE = 3.0  # times as many suspicious requests as expected are theft; more mean that the histograms are wrong
LEAST = 0.01  # what belief alone makes of any reading: no fleet of less than 2,000 requests can raise an alarm
FAR = 6.0  # powers of ten of the agent's own past that are an alarm before the fleet can say how rare an amount is
_MOST_BELIEVED = -math.log10(LEAST)
_LARGE = math.log(1e4)  # dollars from which amounts are believed to be rare


@dataclass(frozen=True, slots=True)
class Point:
    """One request: microseconds, dollars, and 32-bit hashes of what is called and who is paid."""

    at: int
    usd: float
    endpoint: int
    counterparty: int


class Surprise(NamedTuple):
    """How surprising a request is, in powers of ten: 3 is one in a thousand.

    ``event`` of this request by itself, ``joint`` with what has ``accumulated`` before it. The parts of ``event``:
    ``amount`` (the larger of ``own`` and ``fleet``), and weighted ``hour``, ``endpoint``, ``counterparty``, ``rate``.
    What follows is for learning: the histograms' readings ``size``, ``tail``, ``sum``, ``total``, where the amount was
    expected, and how much of what is suspicious the fleet must learn all the same.
    """

    event: float
    joint: float
    amount: float
    hour: float
    endpoint: float
    counterparty: float
    rate: float
    accumulated: float
    own: float
    fleet: float
    size: float
    tail: float
    sum: float
    total: float
    forecast: amounts.Forecast
    admitted: float

    @property
    def p_event(self) -> float:
        """Share of normal requests that are at least as surprising by themselves."""
        return math.pow(10, -self.event)

    @property
    def p_joint(self) -> float:
        """Share of normal requests that are at least as surprising together with what came before."""
        return math.pow(10, -self.joint)


def score(behaviour: Behaviour, population: Population, point: Point) -> Surprise:
    """How surprising ``point`` is to an agent of ``behaviour`` in a fleet of ``population``. Changes neither."""
    scale, forecast = size(point.usd), amounts.forecast(behaviour, population)
    tail = forecast.surprise(scale)
    own = population.amounts.surprise(tail, _belief(tail))
    by_endpoint = population.endpoints.get(point.endpoint) or population.endpoints.get(OTHER)
    share = context.endpoint_share(behaviour, point.endpoint)
    fleet = _fleet(population, by_endpoint, scale, forecast.centre, share)
    amount = max(fleet, own)
    hour = HOUR_WEIGHT * context.hour(behaviour, population, point.at)
    endpoint = ENDPOINT_WEIGHT * context.endpoint(behaviour, _share(population, by_endpoint), point.endpoint)
    counterparty = COUNTERPARTY_WEIGHT * context.counterparty(behaviour, point.counterparty)
    rate = RATE_WEIGHT * context.rate(behaviour, point.at)
    total = amount + hour + endpoint + counterparty + rate
    event = population.events.surprise(total, _belief(total))
    gap = point.at - behaviour.at
    accumulated = behaviour.accumulated * math.exp(-gap / FADES) if gap > 0 else behaviour.accumulated
    both = event if accumulated < UNHEEDED else event + ACCUMULATED_WEIGHT * (accumulated - UNHEEDED)
    joint = population.joints.surprise(both, _belief(both))
    parts = amount, hour, endpoint, counterparty, rate, accumulated, own, fleet
    return Surprise(event, joint, *parts, scale, tail, total, both, forecast, _admitted(population))


def flagged(surprise: Surprise, budget: float = BUDGET) -> bool:
    """Whether to raise an alarm, for a ``budget`` (> 0) of false alarms in 1,000 requests, half for each of the two."""
    limit = math.log10(2000 / budget)
    return surprise.event > limit or surprise.joint > limit or is_far(surprise)


def is_far(surprise: Surprise) -> bool:
    """Whether an amount is far above all that its agent is known by, where the fleet cannot say how rare that is."""
    known = surprise.forecast.freedom >= amounts.PRIOR_FREEDOM + amounts.KNOWN
    return known and surprise.admitted >= 1 and surprise.tail >= FAR


def learn(behaviour: Behaviour, delta: Population, point: Point, surprise: Surprise, flagged: bool) -> None:
    """Lets the agent's state, and ``delta`` for the fleet, learn from a request.

    What was flagged does not teach once the agent has had ``WARM_UP`` requests: a thief must not become the norm.
    """
    teaches = not flagged or behaviour.seen < WARM_UP
    evidence = min(surprise.event, MOST_AT_ONCE) - EXPECTED
    behaviour.accumulated = min(max(surprise.accumulated + evidence, 0.0), STRONGEST)
    context.count(behaviour, point.at, teaches)
    delta.at = max(delta.at, point.at)
    _teach_tails(behaviour, delta, point, surprise)
    if teaches:
        amounts.teach(delta, behaviour, surprise.size)
        amounts.learn(behaviour, surprise.forecast.clipped(surprise.size))
        context.learn(behaviour, point.at, point.endpoint, point.counterparty)
        delta.hours[context.hour_of(point.at)] += 1


def release(behaviour: Behaviour, points: Iterable[Point]) -> None:
    """An operator found ``points`` legitimate: they become normal, and what had accumulated is forgotten."""
    behaviour.accumulated, behaviour.pending = 0.0, None
    for point in points:
        if behaviour.weight > WARM_UP:
            behaviour.spread *= WARM_UP / behaviour.weight
            behaviour.weight = float(WARM_UP)
        amounts.learn(behaviour, size(point.usd))
        context.learn(behaviour, point.at, point.endpoint, point.counterparty)


def _teach_tails(behaviour: Behaviour, delta: Population, point: Point, surprise: Surprise) -> None:
    """What is suspicious teaches the fleet only if it stands alone: theft comes in series, chance does not."""
    delta.noted[0] += 1
    if surprise.event <= SUSPICIOUS and surprise.joint <= SUSPICIOUS:
        _add(delta, point.endpoint, surprise, 1.0)
        if behaviour.calm < ALONE:
            behaviour.calm += 1
        elif behaviour.pending:
            _add(delta, behaviour.pending.endpoint, behaviour.pending, ALONE_WEIGHT)
            behaviour.pending = None
        return
    delta.noted[1] += 1
    if surprise.admitted > 0:
        _add(delta, point.endpoint, surprise, surprise.admitted)
    alone = behaviour.calm >= min(ALONE, behaviour.seen - 1)
    behaviour.pending = None
    if alone and surprise.admitted < 1:
        behaviour.pending = Pending(point.endpoint, surprise.size, surprise.tail, surprise.sum, surprise.total)
    behaviour.calm = 0


def _add(delta: Population, endpoint: int, readings: Surprise | Pending, weight: float) -> None:
    delta.sizes.add(readings.size, weight)
    delta.endpoint(endpoint).add(readings.size, weight)
    delta.amounts.add(readings.tail, weight)
    delta.events.add(readings.sum, weight)
    delta.joints.add(readings.total, weight)


def _belief(value: float) -> float:
    """The tail of calibrated readings; never so small that an alarm could be raised while nothing is known."""
    if value <= 0:
        return 1.0
    return LEAST if value > _MOST_BELIEVED else 10.0**-value


def _fleet(population: Population, by_endpoint: Histogram | None, scale: float, usual: float, share: float) -> float:
    """How large the amount is for anybody, and for anybody at this endpoint.

    What is ``usual`` for the agent is not held against it: beyond one in ten, only what goes further is surprising. At
    an endpoint that holds for the ``share`` of the agent's requests that go there.
    """
    surprise = _beyond(population.sizes, scale, usual, 1.0)
    return max(surprise, _beyond(by_endpoint, scale, usual, share)) if by_endpoint else surprise


def _beyond(histogram: Histogram, scale: float, usual: float, share: float) -> float:
    surprise = histogram.surprise(scale, _large(scale))
    if surprise <= 1:
        return surprise
    known = histogram.surprise(usual, _large(usual)) - 1
    return max(1.0, surprise - share * known) if known > 0 else surprise


def _large(scale: float) -> float:
    return 1.0 if scale < _LARGE else max(math.exp(_LARGE - scale), LEAST)


def _share(population: Population, by_endpoint: Histogram | None) -> float:
    calls = by_endpoint.total() if by_endpoint else 0.0
    return (calls + 0.5) / (population.norms().requests + 32)


def _admitted(population: Population) -> float:
    """1 while the fleet is new, or when so much is suspicious that the histograms must be wrong; normally 0."""
    norms = population.norms()
    if norms.requests < FLEET_WARM_UP:
        return 1.0
    if norms.excess < CREDIBLE:
        return 0.0
    return min((norms.excess - CREDIBLE) / CREDIBLE, 1.0)
