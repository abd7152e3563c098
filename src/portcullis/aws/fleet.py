"""The fleet's flag, ``FLEET / LOCKDOWN``: in a lockdown no agent moves anything, whatever its account says so far."""

import time
from collections.abc import Callable
from typing import Any

from portcullis.aws.dynamo import Item, Table
from portcullis.aws.expressions import Update
from portcullis.domain.lockdown import LIFTED, LIFTING, OPEN

PARTITION = "FLEET"
PRIMARY_KEY: Item = {"pk": PARTITION, "sk": "LOCKDOWN"}
CACHE_SECONDS = 1.0


class Gate:
    """Tells whether the fleet is in lockdown, from one consistent read a second in each process that is asked."""

    def __init__(self, table: Table, clock: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._clock = clock
        self._asked: float | None = None
        self._closed = True

    def is_closed(self) -> bool:
        """As it was at most CACHE_SECONDS ago. When that cannot be read, the read's exception: nobody passes."""
        now = self._clock()
        if self._asked is None or now - self._asked >= CACHE_SECONDS:
            item = self._table.get(PRIMARY_KEY)
            self._closed = item is not None and item.get("state") not in OPEN
            self._asked = now
        return self._closed


def open_check() -> dict[str, Any]:
    """The check of a transaction that nothing is in lockdown at the very moment of the write."""
    check = Update(names={"#state": "state"}, values={":lifting": LIFTING, ":lifted": LIFTED})
    check.conditions.append("(attribute_not_exists(#state) OR #state IN (:lifting, :lifted))")
    return check.action(PRIMARY_KEY)
