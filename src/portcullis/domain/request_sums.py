"""Answered requests on their way to the bus: summed, so that a flood of them is not a flood of events.

Whoever is refused chooses address, key and number; whoever is served, the number and, in its network, the address. So
what is kept is bounded: what there is no room for is summed with less detail, and counted all the same. Refusals and
what was served have each room of their own and a share of every batch, and each agent that is served has its room.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from portcullis.domain import events, times
from portcullis.protocol.problems import PROBLEMS

AUTHENTICATION_REFUSED, REQUEST_REFUSED, REQUEST_SERVED = "authentication.refused", "request.refused", "request.served"
INTERVAL = 10 * times.SECOND
MAX_EVENTS = 10
"""As many as one PutEvents takes."""
MAX_REFUSED, MAX_REFUSED_WITHOUT_KEY = 64, 96
MAX_SERVED, MAX_SERVED_OF_AGENT, MAX_SERVED_WITHOUT_KEY = 192, 16, 256
MAX_REQUEST_ID = 64
_ADDRESS = re.compile(r"[0-9a-f:.]{1,45}", re.ASCII)
_UNPRINTABLE = re.compile(r"[^!-~]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answered:
    """A request and how it was answered. Those that differ in nothing but the request's id are summed.

    ``problem`` is the code of a refusal, None where the request was served. ``agent`` and ``key_id`` are claims unless
    it is ``verified``; ``country`` is where its address is; ``actor`` is who called the operator API.
    """

    type: str
    status: int
    source_ip: str
    problem: str | None = None
    agent: str | None = None
    key_id: str | None = None
    verified: bool = False
    country: str | None = None
    method: str | None = None
    route: str | None = None
    actor: str | None = None
    request_id: str | None = field(default=None, compare=False)


def refused(type_: str, problem: str, source_ip: str, **more: Any) -> Answered:
    """A request that got the code ``problem``; ``more`` are further fields of Answered."""
    return Answered(type_, PROBLEMS[problem].status, source_ip, problem, **more)


@dataclass(slots=True)
class _Sum:
    """``first`` and ``last`` are microseconds."""

    sample: Answered
    count: int
    first: int
    last: int


class _Kind:
    """The sums of one kind, the oldest first. ``place`` says in which of them a request is counted."""

    def __init__(self, place: Callable[[Collection[Answered], Answered], Answered]) -> None:
        self._place = place
        self._sums: dict[Answered, _Sum] = {}

    def __len__(self) -> int:
        return len(self._sums)

    def add(self, answered: Answered, now: int) -> None:
        place = self._place(self._sums.keys(), answered)
        found = self._sums.get(place)
        if found is None:
            self._sums[place] = _Sum(place, 1, now, now)
        else:
            found.count, found.last = found.count + 1, now

    def pop(self) -> _Sum:
        return self._sums.pop(next(iter(self._sums)))


class RequestSums:
    """What one process has answered and not told yet. At most one batch in 10 s holds sums."""

    def __init__(self) -> None:
        self._refused, self._served = _Kind(_place_of_refused), _Kind(_place_of_served)
        self._untold: list[dict[str, Any]] = []
        self._failed = False
        self._next = 0

    def add(self, answered: Answered, now: int) -> None:
        """Count it; it is told in a sum."""
        (self._served if answered.problem is None else self._refused).add(answered, now)

    def add_single(self, answered: Answered, now: int, token: str) -> None:
        """Have it told in an event of its own, at once; in a sum while the bus does not take events."""
        if self._failed or len(self._untold) >= MAX_EVENTS:
            self.add(answered, now)
        else:
            self._untold.append(_event(_Sum(answered, 1, now, now), now, token))

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
        if self._refused or self._served:
            self._next = now + INTERVAL
        for summed in islice(self._in_turn(), MAX_EVENTS - len(self._untold)):
            self._untold.append(_event(summed, now, make_token()))

    def _in_turn(self) -> Iterator[_Sum]:
        """One of each kind after the other, as long as there are any."""
        while self._refused or self._served:
            for kind in (self._refused, self._served):
                if kind:
                    yield kind.pop()


def _place_of_refused(sums: Collection[Answered], refused: Answered) -> Answered:
    """As it is, or with all keys of its address, or with all addresses."""
    if refused in sums or len(sums) < MAX_REFUSED:
        return refused
    keyless = replace(refused, agent=None, key_id=None)
    if keyless in sums or len(sums) < MAX_REFUSED_WITHOUT_KEY:
        return keyless
    return replace(keyless, source_ip="", country=None, actor=None)


def _place_of_served(sums: Collection[Answered], served: Answered) -> Answered:
    """As it is, or with all keys and addresses of its agent, or with all agents."""
    if served in sums:
        return served
    if len(sums) < MAX_SERVED and sum(other.agent == served.agent for other in sums) < MAX_SERVED_OF_AGENT:
        return served
    keyless = replace(served, key_id=None, source_ip="", country=None)
    if keyless in sums or len(sums) < MAX_SERVED_WITHOUT_KEY:
        return keyless
    return replace(keyless, agent=None)


def _event(summed: _Sum, now: int, token: str) -> dict[str, Any]:
    answered = summed.sample
    data = {
        "problem": answered.problem,
        "status": answered.status,
        "method": answered.method,
        "route": answered.route,
        "request_id": answered.request_id and _UNPRINTABLE.sub("?", answered.request_id[:MAX_REQUEST_ID]),
        "actor": answered.actor,
        "country": answered.country,
        "count": summed.count,
        "first_at": times.rfc3339(summed.first),
        "last_at": times.rfc3339(summed.last),
    }
    return events.envelope(
        subject=f"{'refusal' if answered.problem else 'served'}/{token}",
        rev=1,
        type_=answered.type,
        agent=answered.agent,
        key=answered.key_id,
        source_ip=answered.source_ip if _ADDRESS.fullmatch(answered.source_ip) else "",
        at=now,
        txid=None,
        verified=answered.verified,
        data={name: value for name, value in data.items() if value is not None},
    )
