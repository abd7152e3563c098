"""Findings: what detection says of one agent. A finding is an episode, which later unusual requests join.

open ─ released by an operator: it was legitimate, and is learnt ──> released
  └─── closed with its incident ─> closed

What is quiet is joined no more (`episodes`), and stays open until somebody has looked at it.
"""

import re
from dataclasses import dataclass
from typing import Any

from portcullis.domain import times
from portcullis.domain.detection.signals import Signal, action_of
from portcullis.protocol import base62

FINDING_ID = re.compile(r"fd_[0-9A-Za-z]{22}", re.ASCII)
OPEN, RELEASED, CLOSED = "open", "released", "closed"
STATES = (OPEN, RELEASED, CLOSED)
OPENED, UPDATED = "finding.opened", "finding.updated"
NEWS = (OPENED, UPDATED)
"""Events of a finding that tell of something to act on; its others tell that somebody has."""
MAX_EVIDENCE, MAX_LESSONS = 20, 20


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a release teaches of one request: a payment as the detector sees it, and where it came from."""

    at: int
    usd: int | None
    endpoint: str
    counterparty: str | None
    ip: str
    country: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """As stored. ``surprise`` is a thousandth of -log10 of the smallest p-value, 0 where only rules speak.

    ``signals`` has each name once, the gravest of its kind; ``evidence`` are the ids of the first events, ``count``
    how many there were. Instants are microseconds.
    """

    id: str
    agent: str
    keys: tuple[str, ...]
    signals: tuple[Signal, ...]
    severity: int
    surprise: int
    count: int
    evidence: tuple[str, ...]
    lessons: tuple[Lesson, ...]
    opened_at: int
    last_at: int
    state: str = OPEN
    rev: int = 1
    closed_by: str | None = None
    closed_at: int | None = None
    reason: str | None = None

    @property
    def action(self) -> str:
        """What its severity calls for."""
        return action_of(self.severity)


def finding_id(digest: bytes) -> str:
    """A finding id from at least 17 bytes of a digest."""
    return "fd_" + base62.from_bytes(digest, 22)


def describe(finding: Finding) -> dict[str, Any]:
    """The public form, which is also what its events tell."""
    described = {
        "id": finding.id,
        "agent_id": finding.agent,
        "state": finding.state,
        "severity": finding.severity,
        "action": finding.action,
        "p_value": f"{10 ** (-finding.surprise / 1000):.1e}" if finding.surprise else None,
        "score": f"{finding.surprise / 1000:.2f}" if finding.surprise else None,
        "signals": [
            {
                "name": signal.name,
                "detail": signal.detail,
                "severity": signal.severity,
                "value": signal.value,
                "threshold": signal.threshold,
            }
            for signal in finding.signals
        ],
        "key_ids": list(finding.keys),
        "evidence": list(finding.evidence),
        "count": finding.count,
        "opened_at": times.rfc3339(finding.opened_at),
        "last_at": times.rfc3339(finding.last_at),
        "closed_at": times.rfc3339(finding.closed_at) if finding.closed_at is not None else None,
        "closed_by": finding.closed_by,
        "reason": finding.reason,
    }
    return {name: value for name, value in described.items() if value is not None}
