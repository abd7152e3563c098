"""Payments as the joint detector takes them."""

import hashlib

from portcullis.domain.detection.joint import Point

_MICRO = 1e6


def point(at: int, usd: int, endpoint: str, counterparty: str) -> Point:
    """A payment of ``usd`` micro-dollars; names are hashed."""
    return Point(at, usd / _MICRO, _hashed(endpoint), _hashed(counterparty))


def _hashed(name: str) -> int:
    """32 bits, never 0, which stands for the endpoints that have no histogram of their own."""
    return int.from_bytes(hashlib.blake2s(name.encode(), digest_size=4).digest(), "big") or 1
