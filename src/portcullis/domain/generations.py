"""Generations of the root: which comes before which, and what stands in the way of removing one."""

from portcullis.domain.key_census import Census
from portcullis.domain.times import SECOND
from portcullis.protocol import base62

SETTLED = 60 * SECOND
"""How long after an advance the last key of the generation before may still be on its way."""


def is_older(generation: str, than: str) -> bool:
    """Whether one generation of the root comes before another."""
    return base62.ALPHABET.index(generation) < base62.ALPHABET.index(than)


def obstacle(
    generation: str, current: str, advanced_at: int | None, approvers: int, census: Census | None
) -> str | None:
    """Why the root of a generation cannot be removed yet; None when nothing needs it any more.

    Once new ids name a later generation, keys of the older ones only become fewer, so one count is proof, if it began
    after the advance. ``approvers`` are those whose one-time codes come from this root.
    """
    if not is_older(generation, current):
        return "new ids name it, or will"
    if approvers:
        return f"{approvers} approvers have their codes from it: have each enrolled again, then revoke the old one"
    if census is None or census.started_at < (advanced_at or 0) + SETTLED:
        return "keys were not counted since the advance: it is done every hour"
    if census.unreadable:
        return f"{census.unreadable} agents or keys could not be read: the log of the census names them"
    left = census.keys.get(generation, 0)
    return f"{left} keys of it are valid: rotate them, and wait for the end of the old ones" if left else None
