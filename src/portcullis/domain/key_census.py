"""The census: how many valid keys there are of each generation, and how many are older than their class allows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from portcullis.domain.key_classes import CLASSES, Rotation
from portcullis.domain.times import DAY
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import keys

SLACK = DAY
"""How much later than due a key may be rotated: a schedule of days runs at some time of its day."""


@dataclass(frozen=True, slots=True)
class Census:
    """A count of what the agents had from ``started_at`` on: valid ``keys`` by generation, ``overdue`` ones by class.

    ``place`` is how far it is among the agents; ``unreadable`` counts the agents and keys that could not be read.
    """

    started_at: int
    keys: Mapping[str, int] = field(default_factory=dict)
    overdue: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(CLASSES, 0))
    unreadable: int = 0
    place: tuple[int, str] | None = None


def is_overdue(key: KeyRecord, rotation: Rotation, now: int) -> bool:
    """Whether a key should have been rotated by now. One that is retiring has been."""
    return key.state == "active" and now >= rotation.rotate_by(key.key_class, key.created_at, key.due_at) + SLACK


def counted(census: Census, found: Sequence[KeyRecord], rotation: Rotation, now: int) -> Census:
    """The census with these keys, of which it counts those that are valid."""
    valid = [key for key in found if key.state != "revoked" and not key.has_ended(now)]
    generations = Counter(keys.parse_key_id(key.key_id).generation for key in valid)
    overdue = Counter(key.key_class for key in valid if is_overdue(key, rotation, now))
    return replace(
        census, keys=dict(Counter(census.keys) + generations), overdue={**census.overdue, **_sum(census, overdue)}
    )


def _sum(census: Census, overdue: Counter[str]) -> dict[str, int]:
    return {name: census.overdue.get(name, 0) + number for name, number in overdue.items()}
