"""GCRA, the generic cell rate algorithm (ITU-T I.371): one instant per principal, the theoretical arrival time (TAT).

DynamoDB conditions have no ``max``, so the update has two forms: **idle**, when the TAT lies in the past
(``tat := now + interval``), and **busy** (``tat := tat + interval`` while ``tat <= now + tolerance``).
"""

from dataclasses import dataclass

from portcullis.domain.times import SECOND


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

    def after(self, tat: int, now: int) -> int:
        """The TAT once a request at ``now`` is admitted."""
        return max(tat, now) + self.interval

    def retry_after(self, tat: int, now: int) -> int:
        """Whole seconds, at least one, until a request is admitted."""
        return max(1, -(-(tat - self.tolerance - now) // SECOND))

    def remaining(self, tat: int, now: int) -> int:
        """How many requests would be admitted at once."""
        return max(0, (now + self.tolerance - max(tat, now)) // self.interval + 1)
