"""Simulated agents: what an honest week of each kind puts on the bus, and what an attack adds to it.

Kinds differ in hours, amounts, endpoints and addresses. What is rare and legitimate happens to them too: another
address, a deployment that moves to another network, a rotated key, retries after an error, a payday. One seed makes
one week.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from portcullis.domain import times

EVENTS = Path(__file__).parents[2] / "events"
MINUTE, HOUR, DAY = 60, 3_600, 86_400
MONDAY = 1_795_392_000
"""2026-11-23T00:00:00Z in seconds."""

Event = dict[str, Any]


@cache
def _example(type_: str) -> str:
    return (EVENTS / "bus" / f"{type_}.json").read_text()


@dataclass
class Agent:
    """One agent, and the dice that decide what it does. ``ips`` are where it works now, ``payees`` whom it pays."""

    kind: str
    number: int
    dice: random.Random
    ips: list[tuple[str, str | None]] = field(default_factory=list)
    payees: list[str] = field(default_factory=list)
    median: float = 20.0
    key: str = ""
    made: int = 0

    def __post_init__(self) -> None:
        self.id = f"ag_{self.number:022d}"
        self.key = f"pk_test_{self.number:028d}"
        self.payees = [f"0x{self.dice.getrandbits(160):040x}" for _ in range(8)]
        self.median = self.dice.lognormvariate(3, 1)
        self.ips = [self.address() for _ in range(2 if self.kind == "fleet" else 1)]

    def address(self) -> tuple[str, str | None]:
        """An address in a network of its own, in a country that the address decides."""
        a, b, c = (self.dice.randrange(1, 224), self.dice.randrange(256), self.dice.randrange(256))
        return f"{a}.{b}.{c}.{self.dice.randrange(1, 255)}", ("DE", "US", "IE", None)[a % 4]

    def event(self, type_: str, at: float, data: Event, place: tuple[str, str | None] | None = None) -> Event:
        """An event of the type's example form, with this agent's ``data``."""
        made: Event = json.loads(_example(type_))
        ip, country = place or self.dice.choice(self.ips)
        self.made += 1
        stamp = times.rfc3339(int(at * times.SECOND))
        subject = f"tx_{self.number:04d}{self.made:018d}" if type_.startswith("transaction.") else f"call/{self.number}"
        made |= {"id": f"{subject}/{self.made}#1", "agent": self.id, "key": self.key, "ip": ip, "at": stamp}
        made["data"] |= data | ({"country": country} if country else {})
        return made

    def payment(self, at: float, usd: float | None = None, payee: str | None = None, **other: Any) -> Event:
        """An approved payment; ``denied`` names the rules of the policy that deny it."""
        amount = f"{usd if usd is not None else self.amount():.2f}"
        payee = payee or self.dice.choice(self.payees)
        denied, place, memo = other.get("denied", ()), other.get("place"), other.get("memo", self.made)
        data = {
            "usd": amount,
            "amount": amount,
            "destination": {"wallet": payee},
            "content_sha256": f"{crc32(f'{amount} {payee} {memo}'.encode()):064x}",
            "violations": [{"rule": rule, "detail": "", "severity": 5} for rule in denied],
        }
        return self.event("transaction.denied" if denied else "transaction.approved", at, data, place)

    def amount(self) -> float:
        """What it usually pays."""
        return min(self.median * self.dice.lognormvariate(0, 0.7), 50_000)

    def calls(self, at: float, count: int, problem: str | None = None, **other: Any) -> Event:
        """So many calls: refused ones where there is a ``problem``."""
        data = {"count": count, "method": "GET", "route": "/v1/transactions", "problem": problem or ""}
        data["last_at"] = times.rfc3339(int(at * times.SECOND))
        made = self.event("request.refused", at, data, other.get("place"))
        if problem is None:
            made["type"] = "request.served"
            del made["data"]["problem"]
        return made


def clerk(agent: Agent, day: float, weekday: int) -> Iterator[Event]:
    """Pays by day on working days, and looks up what became of it. Once in a week there is a payday."""
    if weekday > 4:
        return
    for hour in range(8, 18):
        for _ in range(agent.dice.randrange(8) * (4 if weekday == 4 and hour == 10 else 1)):
            at = day + hour * HOUR + agent.dice.random() * HOUR
            yield agent.payment(at)
            if agent.dice.random() < 0.5:
                yield agent.calls(at + 2, 1)


def meter(agent: Agent, day: float, _: int) -> Iterator[Event]:
    """Pays the same small price again and again, a third of the day."""
    for slot in range(48):
        yield agent.payment(day + slot * 480 + agent.dice.random() * 60, 0.05, agent.payees[0], memo="same")


def executor(agent: Agent, day: float, _: int) -> Iterator[Event]:
    """Polls, in sums of 10 s, and loses a race for a claim now and then."""
    for slot in range(24):
        at = day + slot * HOUR
        yield agent.calls(at, agent.dice.randrange(8, 12))
        if agent.dice.random() < 0.2:
            yield agent.calls(at + 1, 3, "state_conflict")


def batch(agent: Agent, day: float, weekday: int) -> Iterator[Event]:
    """Works once a night, all in ten minutes; on Friday five times as much."""
    for _ in range(agent.dice.randrange(10, 20) * (5 if weekday == 4 else 1)):
        yield agent.payment(day + 2 * HOUR + agent.dice.random() * 600)


def fleet(agent: Agent, day: float, _: int) -> Iterator[Event]:
    """Two regions under one key, at the same time."""
    for _ in range(agent.dice.randrange(15, 40)):
        yield agent.payment(day + agent.dice.random() * DAY)


def roamer(agent: Agent, day: float, _: int) -> Iterator[Event]:
    """Another address almost each time."""
    for _ in range(agent.dice.randrange(10, 30)):
        place = agent.address() if agent.dice.random() < 0.5 else None
        yield agent.payment(day + agent.dice.random() * DAY, place=place)


KINDS: dict[str, Callable[[Agent, float, int], Iterator[Event]]] = {
    "clerk": clerk,
    "meter": meter,
    "executor": executor,
    "batch": batch,
    "fleet": fleet,
    "roamer": roamer,
}
SHARES = ("clerk",) * 8 + ("meter",) * 3 + ("executor",) * 3 + ("batch",) * 3 + ("fleet",) * 2 + ("roamer",)


def agent(number: int, seed: int, kind: str | None = None) -> Agent:
    """The agent of that number, of the kind that its number decides."""
    return Agent(kind or SHARES[number % len(SHARES)], number, random.Random(f"{seed} {number}"))


def quiet(one: Agent, days: int, first: int = MONDAY) -> list[Event]:
    """What an honest agent does on so many days, in the order of time."""
    events: list[Event] = []
    for day in range(days):
        midnight = first + day * DAY
        events += _change(one, midnight) if day else ()
        events += KINDS[one.kind](one, midnight, day % 7)
        if one.dice.random() < 0.2:
            events += _retries(one, midnight + one.dice.random() * DAY)
    return sorted(events, key=lambda event: str(event["at"]))


def _change(one: Agent, midnight: float) -> Iterator[Event]:
    """What happens to a deployment now and then: a new address, another network, a new key. It says hello once."""
    fate = one.dice.random()
    if fate < 0.02:
        one.ips[0] = one.address()
    elif fate < 0.06:
        network, country = one.ips[0][0].rpartition(".")[0], one.ips[0][1]
        one.ips[0] = f"{network}.{one.dice.randrange(1, 255)}", country
    elif fate < 0.1:
        one.key = f"pk_test_{one.dice.getrandbits(80):028d}"
    if fate < 0.1:
        yield one.calls(midnight, 1, place=one.ips[0])


def _retries(one: Agent, at: float) -> Iterator[Event]:
    """Something was wrong, and was tried again."""
    problem = one.dice.choice(["dependency_unavailable", "malformed_request", "rate_limited", "not_found"])
    yield one.calls(at, one.dice.randrange(1, 6), problem)
    if one.dice.random() < 0.2:
        yield one.payment(at + 5, denied=["daily_limit"])
