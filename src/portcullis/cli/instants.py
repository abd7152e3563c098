"""Instants as people give them to commands."""

import re
from datetime import UTC, datetime, timedelta

from portcullis.cli.failure import USAGE, Failure

HELP = "RFC 3339, or how long ago: 90m, 24h, 7d."
_AGO = re.compile(r"([1-9][0-9]{0,4})([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def instant(text: str | None, now: float) -> str | None:
    """RFC 3339 for how long ago; anything else unchanged, for the API to judge. ``now`` in seconds."""
    match = _AGO.fullmatch(text or "")
    if not match:
        return text
    try:
        then = datetime.fromtimestamp(now, UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise Failure(f"{text} ago lies before the calendar", USAGE) from None
    return then.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
