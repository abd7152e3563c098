"""What the outbox may have lost, and which part of it is looked at next.

The core table's stream forgets after a day, so what happened earlier than that and is not recorded can no longer come
by itself. Before that nothing is judged: the pipe may still deliver an earlier state of a transaction, of which the
table has kept less than the stream has.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from portcullis.domain.times import DAY, HOUR

LOST_AFTER = 25 * HOUR
"""How old an event is that the stream holds no more: 24 hours, and one for clocks and for the way to the log."""
LONGEST_SPAN = 30 * DAY
"""How far back the first pass looks. What is recorded is known for 90 days."""
SHORTEST_SPAN = DAY
PASSES = 3
"""How often one span is gone through until nothing of it is missing."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One way through the table: what changed after ``since`` and until ``until``, in microseconds.

    It is past ``place``, a primary key, and has found ``missing`` events so far; ``number`` counts the passes over the
    same span.
    """

    since: int
    until: int
    number: int = 1
    missing: int = 0
    place: tuple[str, str] | None = None
    ended: bool = False


def following(last: Pass | None, now: int) -> Pass | None:
    """The pass to go on with, or None when it is too early for another. A span where something was missing is gone
    through again: what was emitted must have been recorded."""
    if last is not None and not last.ended:
        return last
    if last is not None and last.missing and last.number < PASSES:
        return Pass(last.since, last.until, last.number + 1)
    since = max(last.until if last else 0, now - LONGEST_SPAN)
    until = now - LOST_AFTER
    return Pass(since, until) if until - since >= SHORTEST_SPAN else None


def lost(events: Iterable[dict[str, Any]], recorded: Container[str]) -> list[dict[str, Any]]:
    """Those events whose id is not recorded, in the same order."""
    return [event for event in events if event["id"] not in recorded]
