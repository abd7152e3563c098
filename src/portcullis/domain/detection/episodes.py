"""How unusual requests become one finding: an episode, which is over when it was quiet, or goes on for a day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from portcullis.domain.detection.findings import MAX_EVIDENCE, MAX_LESSONS, OPEN, Finding, Lesson, finding_id
from portcullis.domain.detection.observations import Observation
from portcullis.domain.detection.signals import Signal, severity_of
from portcullis.domain.times import HOUR

QUIET = HOUR
"""What comes so long after the last unusual request opens another finding."""
LONGEST = 24 * QUIET
"""So long after its first request nothing joins a finding any more."""
MAX_KEYS = 10


@dataclass(frozen=True, slots=True)
class Flagged:
    """An unusual request: its signals, and its surprise as `Finding` keeps it."""

    observation: Observation
    signals: tuple[Signal, ...]
    surprise: int


def join(standing: Finding | None, flagged: Sequence[Flagged]) -> Finding | None:
    """The finding with these requests in it, in the order of time: ``standing`` if it is open and not over, or a new
    one. None where they are in it already. ``rev`` rises where there is something to tell: a graver or a new signal."""
    known = standing.evidence if standing else ()
    unknown = [each for each in flagged if each.observation.id not in known]
    if not unknown:
        return None
    if standing and standing.state == OPEN and not is_over(standing, unknown[0].observation.at):
        joined = _joined(standing, unknown)
        told = joined.severity > standing.severity or len(joined.signals) > len(standing.signals)
        return replace(joined, rev=standing.rev + 1) if told else joined
    return _joined(_opened(unknown[0].observation), unknown)


def is_over(finding: Finding, at: int) -> bool:
    """Whether a request of this instant belongs to another episode."""
    return at - finding.last_at > QUIET or at - finding.opened_at > LONGEST


def _opened(first: Observation) -> Finding:
    """Its id begins with the instant, so that ids rise, and is the same however often the request is judged."""
    digest = sha256(f"{first.agent} {first.id}".encode()).digest()
    instant = (first.at // 1_000).to_bytes(7, "big")
    return Finding(
        id=finding_id(instant + digest[:10]),
        agent=first.agent,
        keys=(),
        signals=(),
        severity=0,
        surprise=0,
        count=0,
        evidence=(),
        lessons=(),
        opened_at=first.at,
        last_at=first.at,
    )


def _joined(finding: Finding, flagged: Sequence[Flagged]) -> Finding:
    signals = _gravest(finding.signals, (signal for each in flagged for signal in each.signals))
    observations = [each.observation for each in flagged]
    return replace(
        finding,
        keys=tuple(dict.fromkeys((*finding.keys, *(each.key for each in observations))))[:MAX_KEYS],
        signals=signals,
        severity=severity_of(signals),
        surprise=max(finding.surprise, *(each.surprise for each in flagged)),
        count=finding.count + len(flagged),
        evidence=(*finding.evidence, *(each.id for each in observations))[:MAX_EVIDENCE],
        lessons=(*finding.lessons, *map(_lesson, observations))[:MAX_LESSONS],
        last_at=max(finding.last_at, *(each.at for each in observations)),
    )


def _gravest(known: Iterable[Signal], new: Iterable[Signal]) -> tuple[Signal, ...]:
    """One signal of each name, the gravest; of equal ones the first."""
    found = {signal.name: signal for signal in known}
    for signal in new:
        if signal.name not in found or signal.severity > found[signal.name].severity:
            found[signal.name] = signal
    return tuple(found.values())


def _lesson(observation: Observation) -> Lesson:
    payment = observation.payment
    return Lesson(
        at=observation.at,
        usd=payment.usd if payment else None,
        endpoint=observation.endpoint,
        counterparty=payment.counterparty if payment else None,
        ip=observation.ip,
        country=observation.country,
    )
