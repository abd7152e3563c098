"""What the audit log is read and written with, as values, and the answers it is sent."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


class Contended(Exception):
    """Other writers were faster at every attempt. What was to be recorded is not; try again."""


class LogDisagrees(Exception):
    """The bucket holds something else than the committed segments lead to, or misses what they promise."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object, what names this very version of it, and when that was put, in microseconds to the second."""

    body: bytes
    etag: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """For which segment an entry was claimed."""

    start: int
    nonce: str


@dataclass(frozen=True, slots=True)
class Read:
    """Answered with Found, or None when nothing is there."""

    path: str


@dataclass(frozen=True, slots=True)
class LastBetween:
    """Answered with the last path after ``after`` and before ``before``, or None."""

    after: str
    before: str


@dataclass(frozen=True, slots=True)
class Create:
    """Put where nothing is. Answered with whether that was so."""

    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Replace:
    """Put where ``etag`` is, or nothing when it is None. Answered with whether that was so."""

    path: str
    body: bytes
    etag: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """The claims of one item, by name. One that is full takes no more names, and stays so for as long as it exists."""

    claims: Mapping[str, Claim]
    full: bool


@dataclass(frozen=True, slots=True)
class ClaimAll:
    """Put ``claim`` under every name of ``over`` where its value is, or nothing for None: all of them or none.

    Answered with None when done, otherwise with the Standing that it met.
    """

    item: str
    claim: Claim
    over: Mapping[str, Claim | None]


@dataclass(frozen=True, slots=True)
class Sign:
    """Answered with the signature."""

    message: bytes


Operation = Read | LastBetween | Create | Replace | ClaimAll | Sign
Steps = Generator[Operation, Any, T]


@dataclass(frozen=True, slots=True)
class Recordable:
    """An encoded entry, its id, and when it happened, in microseconds."""

    id: str
    data: bytes
    at: int = 0
    rejected: bool = False
