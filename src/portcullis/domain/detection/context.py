"""Hour, endpoint, counterparty and rate: how much likelier each is for somebody else than for the agent itself.

Natural logarithms of likelihood ratios: what is rare for everybody alike says nothing.
"""

import math

from portcullis.domain.detection.behaviour import COUNTERPARTIES, ENDPOINTS, Behaviour
from portcullis.domain.detection.population import Population

HOUR = 3_600_000_000
USUAL = 14 * 24 * HOUR
_HOUR_PRIOR, _ENDPOINT_PRIOR = 12.0, 4.0
_LEAST_RATE, _MOST_RATE = 0.02, 5.0
_MOST = 400
_PAID_FADES = 0.99


def hour_of(at: int) -> int:
    """The hour of the day, UTC."""
    return at // HOUR % 24


def hour(behaviour: Behaviour, population: Population, at: int) -> float:
    """The fleet's share of this hour against the agent's own."""
    place, hours = at // HOUR % 24, behaviour.hours
    fleet = population.norms().hours[place]
    near = 0.5 * hours[place] + 0.25 * (hours[place - 1] + hours[place - 23])
    return _between(math.log(fleet * (sum(hours) + _HOUR_PRIOR) / (near + _HOUR_PRIOR * fleet)), -0.5, 2.0)


def endpoint(behaviour: Behaviour, share: float, name: int) -> float:
    """The fleet's share of this endpoint against the agent's own."""
    calls = behaviour.endpoints
    known = calls.get(name, 0) + _ENDPOINT_PRIOR * share
    return _between(math.log(share * (sum(calls.values()) + _ENDPOINT_PRIOR) / known), -0.5, 3.0)


def endpoint_share(behaviour: Behaviour, name: int) -> float:
    """Of the agent's requests; 0 for a new agent."""
    calls = behaviour.endpoints.get(name, 0)
    return calls / sum(behaviour.endpoints.values()) if calls else 0.0


def counterparty(behaviour: Behaviour, name: int) -> float:
    """For a counterparty not among the last 64: how seldom the agent has new ones."""
    if name in behaviour.counterparties:
        return 0.0
    return _between(math.log(0.9 * (behaviour.paid + 2) / (behaviour.novelty + 1)), 0.0, 2.0)


def rate(behaviour: Behaviour, at: int) -> float:
    """How far the last hour is above what is usual at this time of the day: Poisson's Kullback-Leibler divergence.

    An agent that does its work of a day in one hour does nothing unusual in that hour. Work comes in bursts that no
    Poisson process knows, so it is bounded: how much is too much is the rules' to say.
    """
    now = max(at, behaviour.at)
    gap = now - behaviour.at
    recent = behaviour.hourly * math.exp(-gap / HOUR)
    if recent < _LEAST_RATE:
        return 0.0
    usual = (behaviour.usual * math.exp(-gap / USUAL) + 1) / known_hours(behaviour, now)
    usual = max(usual * _busy(behaviour, hour_of(now)), _LEAST_RATE)
    if recent <= usual:
        return 0.0
    return min(recent * math.log(recent / usual) - recent + usual, _MOST_RATE)


def _busy(behaviour: Behaviour, place: int) -> float:
    """How many times an even share of its requests this hour of the day, or the one before, usually has; at least 1."""
    hours = behaviour.hours
    return max(1.0, 24 * (max(hours[place], hours[place - 1]) + 1) / (sum(hours) + 24))


def known_hours(behaviour: Behaviour, at: int) -> float:
    """How many hours ``usual`` is worth: those of the last two weeks since its first request, fading; at least 1."""
    return max(1.0, USUAL / HOUR * -math.expm1((behaviour.since - max(at, behaviour.at)) / USUAL))


def count(behaviour: Behaviour, at: int, teaches: bool) -> None:
    """Moves the clock to ``at`` and counts a request; one that comes late counts as much as its age has left."""
    if not behaviour.seen:
        behaviour.at = behaviour.since = at
    gap = at - behaviour.at
    added = 1.0 if teaches else 0.0
    if gap >= 0:
        behaviour.at = at
        behaviour.hourly = behaviour.hourly * math.exp(-gap / HOUR) + 1
        behaviour.usual = behaviour.usual * math.exp(-gap / USUAL) + added
    else:
        behaviour.hourly += math.exp(gap / HOUR)
        behaviour.usual += added * math.exp(gap / USUAL)
        behaviour.since = min(behaviour.since, at)
    behaviour.seen += 1


def learn(behaviour: Behaviour, at: int, endpoint: int, counterparty: int) -> None:
    """Counts hour, endpoint and counterparty."""
    behaviour.hours[hour_of(at)] += 1
    if sum(behaviour.hours) > _MOST:
        behaviour.hours = [calls // 2 for calls in behaviour.hours]
    _count_endpoint(behaviour.endpoints, endpoint)
    _count_counterparty(behaviour, counterparty)


def _count_counterparty(behaviour: Behaviour, name: int) -> None:
    paid = behaviour.counterparties
    behaviour.paid = behaviour.paid * _PAID_FADES + 1
    behaviour.novelty *= _PAID_FADES
    if name not in paid:
        behaviour.novelty += 1
        del paid[: max(0, len(paid) + 1 - COUNTERPARTIES)]
        paid.append(name)


def _count_endpoint(calls: dict[int, int], name: int) -> None:
    if name not in calls and len(calls) == ENDPOINTS:
        del calls[min(calls, key=lambda one: (calls[one], one))]
    calls[name] = calls.get(name, 0) + 1
    if calls[name] > _MOST:
        for one in calls:
            calls[one] = (calls[one] + 1) // 2


def _between(value: float, least: float, most: float) -> float:
    if value < least:
        return least
    return min(value, most)
