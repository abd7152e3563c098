"""Instants as integers of microseconds since 1970, and their RFC 3339 text. The clock itself is passed in."""

import re
from datetime import UTC, datetime

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def rfc3339(micros: int) -> str:
    """UTC to the millisecond: ``2026-01-31T09:30:00.000Z``."""
    moment = datetime.fromtimestamp(micros // SECOND, UTC)
    return f"{moment.replace(tzinfo=None).isoformat()}.{micros % SECOND // 1000:03d}Z"


def parse_rfc3339(text: str) -> int:
    """Microseconds of an RFC 3339 instant with an offset; ValueError otherwise."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("expected an instant with an offset, such as 2026-01-31T09:30:00Z")
    delta = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    micros = (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds
    rfc3339(micros)  # an offset may lead out of the years that can be written
    return micros


def parse_hours(text: str, most: int) -> int:
    """A whole number of hours from 1 to ``most``; ValueError otherwise."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise ValueError(f"expected a whole number of hours from 1 to {most}")
    return int(text)


def utc_day(micros: int) -> str:
    """The UTC day as ``20260131``."""
    return f"{datetime.fromtimestamp(micros // SECOND, UTC):%Y%m%d}"
