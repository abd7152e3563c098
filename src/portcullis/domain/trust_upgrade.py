"""Trust that an agent has earned: a higher level is proposed after a clean period, and never given by itself."""

from dataclasses import dataclass
from typing import Any

from portcullis.domain import times
from portcullis.domain.account import Account
from portcullis.domain.trust import CLEAN_PERIOD, LIMITS, next_level


@dataclass(frozen=True, slots=True)
class Standing:
    """An agent's trust ``level``, since when it is clean, and the ``next`` level, if there is one for it to reach.

    Clean since the last of: its creation, the publication of this level, its last violation.
    """

    level: str
    next: str | None
    clean_since: int
    now: int

    @property
    def due_at(self) -> int:
        """When the clean period is complete."""
        return self.clean_since + CLEAN_PERIOD

    @property
    def proposed(self) -> str | None:
        """The level that is proposed now, None while nothing is."""
        return self.next if self.now >= self.due_at else None


def standing(account: Account, level: str, level_since: int, now: int) -> Standing:
    """Where an agent stands. One that is not active has no level to reach."""
    clean_since = max(account.created_at, level_since, account.violated_at or 0)
    return Standing(level, next_level(level) if account.state == "active" else None, clean_since, now)


def describe(found: Standing) -> dict[str, Any]:
    """The public form; ``proposal`` is None while nothing is proposed."""
    return {
        "trust": found.level,
        "clean_since": times.rfc3339(found.clean_since),
        "due_at": None if found.next is None else times.rfc3339(found.due_at),
        "proposal": None if found.proposed is None else proposal(found.proposed),
    }


def proposal(level: str) -> dict[str, Any]:
    """What a level would allow; ``limits`` are None where they are the operator's to set."""
    return {"trust": level, "limits": LIMITS.get(level)}
