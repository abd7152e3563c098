"""The judgement of a batch of one agent's requests. Pure: the same batch after the same past says the same.

1. In the order of time, each once: what the profile has seen lately is left out.
2. Payments are scored by the joint detector, then every request is held against the rules.
3. What is late, which is to say that it may have been seen and forgotten, is scored, and teaches nothing.
4. What a person is told of, and every alarm of the joint detector, does not become usual.
5. All that is unusual joins one finding.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from portcullis.domain.detection import alarms, conduct, episodes, joint, points, rules
from portcullis.domain.detection.episodes import Flagged
from portcullis.domain.detection.findings import Finding
from portcullis.domain.detection.joint import Point, Surprise
from portcullis.domain.detection.observations import Observation
from portcullis.domain.detection.population import Population
from portcullis.domain.detection.profile import Episode, Profile
from portcullis.domain.detection.signals import NOTIFY_FROM, Signal, severity_of


@dataclass(slots=True)
class Watched:
    """What a batch comes to. ``judged`` requests were new, ``late`` of them and those judged before taught nothing;
    ``delta`` is what ``learnt`` payments teach the population, ``addresses`` where what is usual came from, and when.

    ``finding`` is to be stored, as a new one or in place of the one that stood; None where nothing is unusual.
    """

    judged: int = 0
    late: int = 0
    learnt: int = 0
    delta: Population = field(default_factory=Population.new)
    addresses: dict[str, int] = field(default_factory=dict)
    flagged: list[Flagged] = field(default_factory=list)
    finding: Finding | None = None


class _Scored(NamedTuple):
    point: Point
    surprise: Surprise
    alarm: Signal | None


def watch(
    profile: Profile, standing: Finding | None, population: Population, observations: Iterable[Observation], budget: int
) -> Watched:
    """Judge ``observations``, which are all of the profile's agent, and let it learn them in place.

    ``standing`` is the finding that the profile names, as it is stored now; ``budget`` is as `calibration` has it.
    """
    watched = Watched()
    for observation in sorted(observations, key=lambda each: (each.at, each.id)):
        if observation.id not in profile.recent:
            _judge(profile, population, observation, budget, watched)
    watched.finding = episodes.join(standing, watched.flagged)
    if watched.finding:
        profile.episode = Episode(watched.finding.id, watched.finding.last_at)
    return watched


def _judge(profile: Profile, population: Population, observation: Observation, budget: int, watched: Watched) -> None:
    late = profile.recent.is_late(observation.at)
    profile.recent.add(observation.id, observation.at)
    watched.judged += 1
    watched.late += late
    scored = _score(profile, population, observation, budget)
    alarm = scored.alarm if scored else None
    found = () if late else rules.judge(profile.conduct, observation, alarmed=alarm is not None)
    signals = (alarm, *found) if alarm else found
    if signals:
        surprise = round(alarms.strength_of(scored.surprise) * 1_000) if scored and alarm else 0
        watched.flagged.append(Flagged(observation, signals, surprise))
    if not late:
        _learn(profile, observation, scored, severity_of(signals) >= NOTIFY_FROM, watched)


def _score(profile: Profile, population: Population, observation: Observation, budget: int) -> _Scored | None:
    """None where there is nothing to score: no payment, or one that has no price."""
    payment = observation.payment
    if payment is None or payment.usd is None:
        return None
    point = points.point(observation.at, payment.usd, observation.endpoint, payment.counterparty)
    surprise = joint.score(profile.behaviour, population, point)
    return _Scored(point, surprise, alarms.alarm(surprise, observation, payment.usd, budget))


def _learn(profile: Profile, observation: Observation, scored: _Scored | None, told: bool, watched: Watched) -> None:
    conduct.learn(profile.conduct, observation, told)
    if scored:
        flagged = told or scored.alarm is not None
        joint.learn(profile.behaviour, watched.delta, scored.point, scored.surprise, flagged)
        watched.learnt += 1
    if not told:
        watched.addresses[observation.ip] = observation.at
