"""Signals: what is unusual about a request, in words and with the number that crossed its threshold."""

from dataclasses import dataclass

RECORD, NOTIFY, CONTAIN = "record", "notify", "contain"
NOTIFY_FROM, CONTAIN_FROM = 5, 8
MOST_SEVERE = 10


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that is unusual, ``severity`` from 1 to 10. ``value`` and ``threshold`` are texts, not floats."""

    name: str
    detail: str
    severity: int
    value: str
    threshold: str


def severity_of(signals: tuple[Signal, ...]) -> int:
    """That of the gravest, and one more for each other signal that is worth a notice by half."""
    if not signals:
        return 0
    gravest, *others = sorted((signal.severity for signal in signals), reverse=True)
    return min(MOST_SEVERE, gravest + sum(severity * 2 >= NOTIFY_FROM for severity in others))


def action_of(severity: int) -> str:
    """What a finding of this severity calls for."""
    if severity >= CONTAIN_FROM:
        return CONTAIN
    return NOTIFY if severity >= NOTIFY_FROM else RECORD
