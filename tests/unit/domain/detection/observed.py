"""Observations of one agent, for tests that vary one thing each, and a state that has settled."""

from itertools import count
from typing import Any

from portcullis.domain.detection.conduct import Conduct, learn
from portcullis.domain.detection.observations import Observation, Payment
from portcullis.domain.detection.rules import judge
from portcullis.domain.times import SECOND
from tests.unit.domain.builders import AGENT, KEY_ID, NOW

HOUR, DAY = 3_600, 86_400
HOME, NEIGHBOUR, ABROAD = "203.0.113.7", "203.0.113.8", "198.51.100.9"
START = NOW // SECOND // HOUR * HOUR
_ids = count()


def call(second: int, **other: Any) -> Observation:
    """A call at ``second`` after the start."""
    made: dict[str, Any] = {
        "id": f"call/{next(_ids)}#1",
        "agent": AGENT,
        "key": KEY_ID,
        "at": (START + second) * SECOND,
        "ip": HOME,
        "endpoint": "GET /v1/transactions",
        "outcome": "accepted",
    }
    return Observation(**made | other)


def payment(second: int, usd: int = 10, **other: Any) -> Observation:
    """A payment of ``usd`` dollars, like no other one unless ``content`` says so."""
    content = other.pop("content", f"content {next(_ids)}")
    asked = Payment(usd * 1_000_000, "base somebody", content)
    return call(second, **{"endpoint": "transfer USDC base wallet", "payment": asked} | other)


def names(conduct: Conduct, observation: Observation, *, alarmed: bool = False) -> set[str]:
    """The rules that fire on it."""
    return {signal.name for signal in judge(conduct, observation, alarmed=alarmed)}


def fired(conduct: Conduct, *observations: Observation) -> list[set[str]]:
    """The rules that fire on each, one after the other, learnt without a flag."""
    found = []
    for observation in observations:
        found.append(names(conduct, observation))
        learn(conduct, observation, flagged=False)
    return found


def settled(**other: Any) -> Conduct:
    """The state of an agent that has called from home for two days: START is two days and an hour after its first."""
    conduct = Conduct.new()
    for hour in range(-49, 0):
        learn(conduct, call(hour * HOUR, **other), flagged=False)
    return conduct
