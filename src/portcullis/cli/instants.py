"""Instants as people give them to commands."""

import re
from datetime import UTC, datetime, timedelta

from portcullis.cli.failure import USAGE, Failure

HELP = "RFC 3339, or how long ago: 90m, 24h, 7d."
_AGO = re.compile(r"([0-9]{1,6})([mhd])", re.ASCII)
_SPAN = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def instant(text: str, now: datetime) -> str:
    """An instant as entries have it, from RFC 3339 with an offset or from how long ago it is (``24h``)."""
    try:
        if match := _AGO.fullmatch(text):
            moment = now - int(match[1]) * _UNITS[match[2]]
        else:
            moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    except (ValueError, OverflowError):
        raise Failure(f"{text} is no time: give 2026-01-31T09:30:00Z, or 90m, 24h or 7d ago", USAGE) from None


def seconds(text: str) -> int:
    """How long ``90s``, ``90m``, ``24h``, ``7d`` or ``0`` is."""
    match = _SPAN.fullmatch(text)
    if match is None and text != "0":
        raise Failure(f"{text} is no span of time: give 30s, 90m, 24h, 7d or 0", USAGE)
    return int(match[1]) * int(_UNITS[match[2]].total_seconds()) if match else 0
