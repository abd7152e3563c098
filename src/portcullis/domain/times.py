"""Instants as integers of microseconds since 1970, and their RFC 3339 text. The clock itself is passed in."""

from datetime import UTC, datetime

SECOND = 1_000_000


def rfc3339(micros: int) -> str:
    """UTC to the millisecond: ``2026-01-31T09:30:00.000Z``."""
    moment = datetime.fromtimestamp(micros // SECOND, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{micros % SECOND // 1000:03d}Z"


def parse_rfc3339(text: str) -> int:
    """Microseconds of an RFC 3339 instant with an offset; ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("expected an instant with an offset, such as 2026-01-31T09:30:00Z")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def utc_day(micros: int) -> str:
    """The UTC day as ``20260131``."""
    return f"{datetime.fromtimestamp(micros // SECOND, UTC):%Y%m%d}"
