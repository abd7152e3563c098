"""Reading in a few threads what is likely to be asked for next."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

THREADS = 8
AHEAD = 32
_MAX_WAITING = 16 * AHEAD

K = TypeVar("K")
V = TypeVar("V")


class ReadAhead(Generic[K, V]):
    """Reads what is asked for, and in a few threads what follows it, as ``following`` tells; bounded in what it holds.
    ``read`` is called by several threads."""

    def __init__(self, read: Callable[[K], V], following: Callable[[K], Iterable[K]]) -> None:
        self._read = read
        self._following = following
        self._waiting: OrderedDict[K, Future[V]] = OrderedDict()
        self._pool = ThreadPoolExecutor(THREADS)

    def __call__(self, key: K) -> V:
        """What ``read`` gives, or raises."""
        wanted = self._waiting.pop(key, None) or self._pool.submit(self._read, key)
        for each in self._following(key):
            if each not in self._waiting:
                self._waiting[each] = self._pool.submit(self._read, each)
        while len(self._waiting) > _MAX_WAITING:
            self._waiting.popitem(last=False)[1].cancel()
        return wanted.result()

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
