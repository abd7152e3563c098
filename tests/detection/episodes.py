"""What the rules alone make of an agent's events: episodes of signals, as findings join them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from portcullis.domain.detection.conduct import Conduct, learn
from portcullis.domain.detection.observations import observe
from portcullis.domain.detection.rules import judge
from portcullis.domain.detection.signals import NOTIFY_FROM, Signal, action_of, severity_of
from portcullis.domain.times import SECOND
from tests.detection.agents import HOUR, Event


@dataclass
class Episode:
    """Signals with less than an hour between them, the gravest of each name."""

    opened_at: int
    last_at: int
    signals: dict[str, Signal] = field(default_factory=dict)

    @property
    def action(self) -> str:
        """What all of them together call for."""
        return action_of(severity_of(tuple(self.signals.values())))


def episodes(conduct: Conduct, events: Iterable[Event]) -> list[Episode]:
    """Judge and learn each; the episodes that they make."""
    found: list[Episode] = []
    for event in events:
        observation = observe(event)
        assert observation is not None
        signals = judge(conduct, observation)
        learn(conduct, observation, flagged=severity_of(signals) >= NOTIFY_FROM)
        if signals:
            if not found or observation.at - found[-1].last_at > HOUR * SECOND:
                found.append(Episode(observation.at, observation.at))
            found[-1].last_at = observation.at
            gravest = sorted((*found[-1].signals.values(), *signals), key=lambda signal: signal.severity)
            found[-1].signals = {signal.name: signal for signal in gravest}
    return found
