"""What is normal for one agent, in less than a kilobyte."""

import struct
from dataclasses import dataclass

VERSION = 1
ENDPOINTS = COUNTERPARTIES = 64

_HEAD = struct.Struct("<BBBqqIHB8fI4f24H")


@dataclass(frozen=True, slots=True)
class Pending:
    """What a suspicious request would teach the fleet, kept until it is clear that it stood alone."""

    endpoint: int
    size: float
    tail: float
    sum: float
    total: float


class Behaviour:
    """One agent's state; ``joint.learn`` and ``joint.release`` change it in place.

    at, since       the latest and the first instant seen, in microseconds
    seen            requests so far
    weight, mean, spread  how many amounts the memory is worth (<= 200), their mean log(1 + dollars), and the sum of
                    squared deviations from it
    hourly, usual   requests in the last hour and the last two weeks, fading
    accumulated     evidence of slow fraud, fading (DECADES)
    calm            requests since the last suspicious one
    hours           requests by hour of the day (UTC)
    endpoints       requests by endpoint, at most 64
    counterparties  the last 64 new ones; ``novelty`` is the share of new ones, over ``paid`` payments, fading
    """

    __slots__ = (
        "accumulated",
        "at",
        "calm",
        "counterparties",
        "endpoints",
        "hourly",
        "hours",
        "mean",
        "novelty",
        "paid",
        "pending",
        "seen",
        "since",
        "spread",
        "usual",
        "weight",
    )

    def __init__(self) -> None:
        self.at = self.since = self.seen = self.calm = 0
        self.weight = self.mean = self.spread = self.hourly = self.usual = self.accumulated = 0.0
        self.novelty = self.paid = 0.0
        self.pending: Pending | None = None
        self.hours = [0] * 24
        self.endpoints: dict[int, int] = {}
        self.counterparties: list[int] = []

    @classmethod
    def new(cls) -> "Behaviour":
        """Nothing known yet."""
        return cls()

    def pack(self) -> bytes:
        """At most 1,000 bytes for storage; version 1."""
        held = self.pending
        head = _HEAD.pack(
            VERSION,
            len(self.endpoints),
            len(self.counterparties),
            self.at,
            self.since,
            self.seen,
            self.calm,
            held is not None,
            self.weight,
            self.mean,
            self.spread,
            self.hourly,
            self.usual,
            self.accumulated,
            self.novelty,
            self.paid,
            *((held.endpoint, held.size, held.tail, held.sum, held.total) if held else (0, 0.0, 0.0, 0.0, 0.0)),
            *self.hours,
        )
        names, counts = self.endpoints.keys(), self.endpoints.values()
        return head + struct.pack(
            f"<{len(names)}I{len(names)}H{len(self.counterparties)}I", *names, *counts, *self.counterparties
        )

    @classmethod
    def unpack(cls, packed: bytes) -> "Behaviour":
        """What ``pack`` wrote; ValueError when it is something else."""
        read = cls.__new__(cls)
        (version, known, paid, read.at, read.since, read.seen, read.calm, held,
         read.weight, read.mean, read.spread, read.hourly, read.usual, read.accumulated, read.novelty, read.paid,
         *rest) = _HEAD.unpack_from(packed)  # fmt: skip
        if version != VERSION:
            raise ValueError(f"behaviour of version {version}, expected {VERSION}")
        read.pending = Pending(*rest[:5]) if held else None
        read.hours = rest[5:]
        listed = struct.unpack_from(f"<{known}I{known}H{paid}I", packed, _HEAD.size)
        read.endpoints = dict(zip(listed[:known], listed[known : 2 * known], strict=True))
        read.counterparties = list(listed[2 * known :])
        return read
