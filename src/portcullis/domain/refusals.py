"""Refusals on their way to the bus: summed, so that a flood of them is not a flood of events.

Whoever is refused chooses address, key and number, so what is kept is bounded: what there is no room for is summed with
less detail, and counted all the same.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

from portcullis.domain import events, times
from portcullis.protocol.problems import PROBLEMS

AUTHENTICATION, REQUEST = "authentication.refused", "request.refused"
INTERVAL = 10 * times.SECOND
MAX_EVENTS = 10
"""As many as one PutEvents takes."""
MAX_SUMS, MAX_WITHOUT_KEY = 64, 96
MAX_REQUEST_ID = 64
_ADDRESS = re.compile(r"[0-9a-f:.]{1,45}", re.ASCII)
_UNPRINTABLE = re.compile(r"[^!-~]", re.ASCII)


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """A request that got the code ``problem``. Those that differ in nothing but the request's id are summed.

    ``agent`` and ``key_id`` are claims unless it is ``verified``; ``actor`` is who called the operator API.
    """

    type: str
    problem: str
    source_ip: str
    agent: str | None = None
    key_id: str | None = None
    verified: bool = False
    method: str | None = None
    route: str | None = None
    actor: str | None = None
    request_id: str | None = field(default=None, compare=False)


@dataclass(slots=True)
class _Sum:
    """``first`` and ``last`` are microseconds."""

    sample: RefusedRequest
    count: int
    first: int
    last: int


class Refusals:
    """What one process has refused and not told yet. At most one batch in 10 s holds sums."""

    def __init__(self) -> None:
        self._sums: dict[RefusedRequest, _Sum] = {}
        self._untold: list[dict[str, Any]] = []
        self._failed = False
        self._next = 0

    def add(self, refused: RefusedRequest, now: int) -> None:
        """Count it; it is told in a sum."""
        place = self._place(refused)
        found = self._sums.get(place)
        if found is None:
            self._sums[place] = _Sum(place, 1, now, now)
        else:
            found.count, found.last = found.count + 1, now

    def add_single(self, refused: RefusedRequest, now: int, token: str) -> None:
        """Have it told in an event of its own, at once; in a sum while the bus does not take events."""
        if self._failed or len(self._untold) >= MAX_EVENTS:
            self.add(refused, now)
        else:
            self._untold.append(_event(_Sum(refused, 1, now, now), now, token))

    def batch(self, now: int, make_token: Callable[[], str]) -> list[dict[str, Any]]:
        """The events to put on the bus now, often none. They are kept, under the same ids, until they are `told`."""
        if now >= self._next:
            self._take(now, make_token)
        elif self._failed:
            return []
        return list(self._untold)

    def told(self, ids: Collection[str], now: int) -> None:
        """The bus has taken the events ``ids`` of the last batch. What it has not taken waits for another 10 s."""
        self._untold = [event for event in self._untold if event["id"] not in ids]
        self._failed = bool(self._untold)
        if self._failed:
            self._next = now + INTERVAL

    def _take(self, now: int, make_token: Callable[[], str]) -> None:
        if self._sums:
            self._next = now + INTERVAL
        while self._sums and len(self._untold) < MAX_EVENTS:
            oldest = self._sums.pop(next(iter(self._sums)))
            self._untold.append(_event(oldest, now, make_token()))

    def _place(self, refused: RefusedRequest) -> RefusedRequest:
        """Where it is summed: as it is, or with all keys of its address, or with all addresses."""
        if refused in self._sums or len(self._sums) < MAX_SUMS:
            return refused
        keyless = replace(refused, agent=None, key_id=None)
        if keyless in self._sums or len(self._sums) < MAX_WITHOUT_KEY:
            return keyless
        return replace(keyless, source_ip="", actor=None)


def _event(summed: _Sum, now: int, token: str) -> dict[str, Any]:
    refused = summed.sample
    data = {
        "problem": refused.problem,
        "status": PROBLEMS[refused.problem].status,
        "method": refused.method,
        "route": refused.route,
        "request_id": refused.request_id and _UNPRINTABLE.sub("?", refused.request_id[:MAX_REQUEST_ID]),
        "actor": refused.actor,
        "count": summed.count,
        "first_at": times.rfc3339(summed.first),
        "last_at": times.rfc3339(summed.last),
    }
    return events.envelope(
        subject=f"refusal/{token}",
        rev=1,
        type_=refused.type,
        agent=refused.agent,
        key=refused.key_id,
        source_ip=refused.source_ip if _ADDRESS.fullmatch(refused.source_ip) else "",
        at=now,
        txid=None,
        verified=refused.verified,
        data={name: value for name, value in data.items() if value is not None},
    )
