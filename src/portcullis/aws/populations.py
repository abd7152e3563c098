"""What the whole fleet does, as stored: shards ``POPULATION#<n>`` in the profiles table, none of them a hot item.

What a process learns is gathered in it and merged now and then into a shard taken at random; what it goes by are all
shards merged, read again every few minutes, and what it has stored itself since. A process that ends takes with it
what it had gathered: the statistics of ``MOST_EVENTS`` events or ``LONGEST`` seconds and one batch, and nothing else.
"""

import random
import time
from collections.abc import Callable

from portcullis.aws.dynamo import Table
from portcullis.aws.wire import Unavailable
from portcullis.domain.detection.population import Population

SHARDS = 8
MOST_EVENTS = 64
LONGEST = 60.0
FRESH = 300.0
ATTEMPTS = 10
BACKOFF_SECONDS = 0.05


class Populations:
    """The population as one process sees it. ``clock`` counts seconds."""

    def __init__(
        self,
        table: Table,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        source: random.Random | None = None,
    ) -> None:
        self._table = table
        self._clock, self._sleep = clock, sleep
        self._random = source or random.Random()  # noqa: S311 spreads load, keeps no secret
        self._seen: Population | None = None
        self._read_at = 0.0
        self._gathered = Population.new()
        self._events = 0
        self._since = 0.0

    def current(self) -> Population:
        """All that is known, as of some minutes ago at most. Not to be changed."""
        if self._seen is None or self._clock() - self._read_at >= FRESH:
            seen = Population.new()
            for item in self._table.get_many([_primary_key(shard) for shard in range(SHARDS)]):
                seen.merge(Population.unpack(item["population"]))
            self._seen, self._read_at = seen, self._clock()
        return self._seen

    def learn(self, delta: Population, events: int) -> None:
        """Gather what ``events`` taught."""
        if not events:
            return
        if not self._events:
            self._since = self._clock()
        self._events += events
        self._gathered.merge(delta)

    def flush(self) -> None:
        """Store what was gathered, if it is much or old. Raises Unavailable; it is then still gathered."""
        if self._events >= MOST_EVENTS or (self._events and self._clock() - self._since >= LONGEST):
            self._store()
            if self._seen is not None:
                self._seen.merge(self._gathered)
            self._gathered, self._events = Population.new(), 0

    def _store(self) -> None:
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(self._random.uniform(0, BACKOFF_SECONDS * 2 ** min(attempt, 5)))
            if self._merge_into(self._random.randrange(SHARDS)):
                return
        raise Unavailable("the shards of the population were contended")

    def _merge_into(self, shard: int) -> bool:
        item = self._table.get(_primary_key(shard)) or {"version": 0}
        merged = Population.unpack(item["population"]) if item["version"] else Population.new()
        merged.merge(self._gathered)
        stored = {**_primary_key(shard), "population": merged.pack(), "version": item["version"] + 1}
        condition = "version = :read" if item["version"] else "attribute_not_exists(pk)"
        return self._table.put_if(stored, condition, {":read": item["version"]})


def _primary_key(shard: int) -> dict[str, str]:
    return {"pk": f"POPULATION#{shard}"}
