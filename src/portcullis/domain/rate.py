"""GCRA, the generic cell rate algorithm (ITU-T I.371): one instant per principal, the theoretical arrival time (TAT).

DynamoDB conditions have no ``max``, so the update has two forms: **idle**, when the TAT lies in the past
(``tat := now + interval``), and **busy** (``tat := tat + interval`` while ``tat <= now + tolerance``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portcullis.domain.times import SECOND

AGENT_TAT = "tat"
KEY_TAT_PREFIX = "t#"


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_minute`` requests sustained, ``burst`` at once."""

    per_minute: int
    burst: int

    @property
    def interval(self) -> int:
        """Microseconds between requests at the sustained rate, rounded up."""
        return -(-60 * SECOND // self.per_minute)

    @property
    def tolerance(self) -> int:
        """How far, in microseconds, the TAT may run ahead of now and still admit a request."""
        return (self.burst - 1) * self.interval

    def admits(self, tat: int, now: int) -> bool:
        """Whether a request at ``now`` is within the rate."""
        return tat <= now + self.tolerance

    def retry_after(self, tat: int, now: int) -> int:
        """Whole seconds, at least one, until a request is admitted."""
        return max(1, -(-(tat - self.tolerance - now) // SECOND))

    def remaining(self, tat: int, now: int) -> int:
        """How many requests would be admitted at once."""
        return max(0, (now + self.tolerance - max(tat, now)) // self.interval + 1)


@dataclass(frozen=True, slots=True)
class Claim:
    """What one request asks of one rate: ``label`` tells people which, ``tat`` names where its TAT is kept.

    ``arrived`` is when the request came, ``now`` when it is tried (microseconds).
    """

    label: str
    tat: str
    rate: Rate
    arrived: int
    now: int

    def is_idle(self, tat: int) -> bool:
        """Which form of the update fits: idle when the TAT lay in the past as the request arrived.

        Not as it is tried: many that try at once would each find the account idle, one would win, and the others,
        trying again a moment later, would find it idle again. Judged by its arrival, whoever lost once is busy for
        good, and the busy form excludes nobody. The TAT may so lag by the time between the two, no more.
        """
        return tat <= self.arrived

    def after(self, tat: int) -> int:
        """The TAT once the request is admitted."""
        return (self.now if self.is_idle(tat) else tat) + self.rate.interval


def claims(rate: Rate, key_rate: Rate | None, key_name: str, arrived: int, now: int) -> tuple[Claim, ...]:
    """The claims of a request: on its agent's rate, and on its key's where the key has one."""
    own = (Claim("key", key_tat(key_name), key_rate, arrived, now),) if key_rate else ()
    return (Claim("agent", AGENT_TAT, rate, arrived, now), *own)


def key_tat(key_name: str) -> str:
    """Where the TAT of a key is kept, beside the agent's. Its version is no part of it, so that a key which is
    changed does not get a new burst. ``key_name`` is that of ``live_keys``."""
    return f"{KEY_TAT_PREFIX}{key_name[:8]}"


def wait(asked: Sequence[Claim], tats: Mapping[str, int]) -> int | None:
    """Whole seconds until every claim is admitted; None when they are now."""
    waits = [
        claim.rate.retry_after(tat, claim.now)
        for claim in asked
        if not claim.rate.admits(tat := tats.get(claim.tat, 0), claim.now)
    ]
    return max(waits, default=None)


def render(rate: Rate | None) -> str:
    """A key's rate as text, for the verdict's context: ``60/10``, empty when it has none."""
    return f"{rate.per_minute}/{rate.burst}" if rate else ""


def parse(text: str) -> Rate | None:
    """The inverse of render; ValueError for anything else."""
    if not text:
        return None
    per_minute, burst = text.split("/")
    return Rate(int(per_minute), int(burst))
