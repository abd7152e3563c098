"""Windows: counters on the account, named by kind and UTC period, so that a new period starts by itself.

d20261121         micro-USD reserved on a day; d20261121t5Hq2Xa of it for one token (t), merchant (m) or category (c)
w202647  m202611  micro-USD reserved in an ISO week, in a month
h2026112106       transactions admitted in an hour
x2026112106       transactions denied in an hour, which makes the next violation weigh more
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from portcullis.domain.times import DAY, HOUR
from portcullis.protocol import base62

NAME = re.compile(r"d[0-9]{8}([tmc][0-9A-Za-z]{6})?|[wm][0-9]{6}|[hx][0-9]{10}", re.ASCII)

_FORMATS = {"d": "%Y%m%d", "w": "%G%V", "m": "%Y%m", "h": "%Y%m%d%H", "x": "%Y%m%d%H"}
_LENGTHS = {"d": DAY, "w": 7 * DAY, "m": 28 * DAY, "h": HOUR, "x": HOUR}


@dataclass(frozen=True, slots=True)
class Spend:
    """What a transaction takes of one window: ``amount`` of at most ``limit`` (None: it only counts).

    ``rule`` is the violation where there is no room.
    """

    rule: str
    window: str
    amount: int
    limit: int | None


def name(kind: str, now: int) -> str:
    """The window of ``kind`` (d, w, m, h or x) that ``now`` falls in."""
    return _name(kind, now // HOUR)


def part(now: int, layer: str, reference: str) -> str:
    """The day's window of one token (t), merchant (m) or category (c)."""
    digest = hashlib.sha256(f"{layer}:{reference}".encode()).digest()
    return name("d", now) + layer + base62.from_bytes(digest, 6)


def is_over(window: str, now: int) -> bool:
    """Whether nobody can reserve in ``window`` any more.

    The period before this one is not over: a request decided just before midnight may commit after it, and would find
    a fresh budget where its window was removed.
    """
    kind = window[0]
    oldest = name(kind, now - _LENGTHS[kind])
    return window[: len(oldest)] < oldest


def is_money(window: str) -> bool:
    """Whether a window holds money, which is released when it did not move; a count stays counted."""
    return window[0] in "dwm"


@lru_cache(maxsize=64)
def _name(kind: str, hour: int) -> str:
    return kind + datetime.fromtimestamp(hour * 3600, UTC).strftime(_FORMATS[kind])
