"""Classes of keys: how old a key of each may get before it is rotated (DESIGN 7). The days come from the stage."""

from collections.abc import Mapping
from dataclasses import dataclass

from portcullis.domain.times import DAY, HOUR, SECOND

CLASSES = ("development", "staging", "production", "high_value")
DEFAULT_CLASS = "production"
MANUAL = frozenset({"development"})
"""Rotated by people: no schedule does it."""
RETIRE_NOTICE = 30 * SECOND
"""How far ahead a key's end lies at least: every cached record is read anew before it, so the end is exact."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a stage prescribes: ``days`` by class, the ``overlap`` in microseconds in which an old key stays valid, and
    the class of a key for which none was asked."""

    days: Mapping[str, int]
    overlap: int
    key_class: str

    def rotate_by(self, key_class: str, created_at: int, due_at: int | None = None) -> int:
        """When a key of this class is due, in microseconds: at ``due_at`` where somebody asked for it earlier."""
        scheduled = created_at + self.days[key_class] * DAY
        return scheduled if due_at is None else min(scheduled, due_at)

    def rate(self, key_class: str) -> str | None:
        """The schedule in Secrets Manager's words; None for a class that people rotate."""
        return None if key_class in MANUAL else f"rate({self.days[key_class]} days)"


def parse_rotation(days: str, overlap_hours: str, key_class: str) -> Rotation:
    """From settings: ``development=30 staging=7 …``, hours, a class. ValueError when a class is missing or unknown."""
    given = {name: int(number) for name, number in (pair.split("=", 1) for pair in days.split())}
    if given.keys() != set(CLASSES) or min(given.values()) < 1 or key_class not in given:
        raise ValueError(f"expected days, one or more, for each of {', '.join(CLASSES)}, and one of them as default")
    return Rotation(given, int(overlap_hours) * HOUR, key_class)
