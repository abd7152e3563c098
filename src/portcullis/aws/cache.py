"""A bounded map whose entries age out. One process, one thread: a Lambda handles one request at a time."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class TtlCache(Generic[Value]):
    """At most ``size`` entries, each at most ``seconds`` old; the oldest goes first."""

    def __init__(self, size: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._seconds = seconds
        self._clock = clock
        self._entries: dict[str, tuple[float, Value]] = {}

    def get(self, key: str) -> Value | None:
        """The entry, unless it is too old."""
        entry = self._entries.get(key)
        if entry is None or self._clock() - entry[0] >= self._seconds:
            return None
        return entry[1]

    def put(self, key: str, value: Value) -> None:
        """Keep ``value`` from now on."""
        self._entries.pop(key, None)
        while len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = (self._clock(), value)

    def amend(self, key: str, value: Value) -> None:
        """Replace what is kept, which stays as old as it is: ``value`` was reckoned, not read."""
        if key in self._entries:
            self._entries[key] = (self._entries[key][0], value)

    def drop(self, key: str) -> None:
        """Forget the entry."""
        self._entries.pop(key, None)
