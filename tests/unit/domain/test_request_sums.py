"""Answered requests on their way to the bus: each is counted once, few events are told, and little is kept."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain import request_sums
from portcullis.domain.request_sums import (
    AUTHENTICATION_REFUSED,
    INTERVAL,
    MAX_EVENTS,
    REQUEST_REFUSED,
    REQUEST_SERVED,
    Answered,
    RequestSums,
    refused,
)
from portcullis.domain.times import SECOND
from tests.event_schemas import faults
from tests.unit.domain.builders import AGENT, KEY_ID, NOW

FORGED = refused(AUTHENTICATION_REFUSED, "invalid_credentials", "198.51.100.9", key_id=KEY_ID)
MISSING = refused(
    REQUEST_REFUSED,
    "not_found",
    "203.0.113.7",
    agent=AGENT,
    key_id=KEY_ID,
    verified=True,
    method="GET",
    route="/v1/transactions/{id}",
    request_id="r-1",
)
READ = Answered(
    REQUEST_SERVED,
    200,
    "203.0.113.7",
    agent=AGENT,
    key_id=KEY_ID,
    verified=True,
    country="NL",
    method="GET",
    route="/v1/transactions",
)
CODES = ("invalid_credentials", "nonce_replayed", "missing_credentials")
Event = dict[str, Any]


def tokens() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"t{next(numbers)}"


def drained(kept: RequestSums, now: int, make_token: Callable[[], str]) -> Iterator[Event]:
    """All that is told from now on, by a bus that takes everything."""
    while batch := kept.batch(now, make_token):
        yield from batch
        kept.told([event["id"] for event in batch], now)
        now += INTERVAL


def test_the_first_is_told_at_once_and_the_later_ones_in_a_sum() -> None:
    kept, make_token = RequestSums(), tokens()
    kept.add(FORGED, NOW)
    (first,) = kept.batch(NOW, make_token)
    kept.told([first["id"]], NOW)
    for later in range(1, 4):
        kept.add(FORGED, NOW + later)
    assert kept.batch(NOW + INTERVAL - 1, make_token) == []
    (summed,) = kept.batch(NOW + INTERVAL, make_token)

    assert first["data"]["count"] == 1
    assert faults(summed) == []
    assert summed == {
        "v": 1,
        "id": "refusal/t1#1",
        "type": "authentication.refused",
        "agent": None,
        "key": KEY_ID,
        "ip": "198.51.100.9",
        "at": "2026-11-21T06:31:10.000Z",
        "txid": None,
        "rev": 1,
        "verified": False,
        "data": {
            "problem": "invalid_credentials",
            "status": 401,
            "count": 3,
            "first_at": "2026-11-21T06:31:00.000Z",
            "last_at": "2026-11-21T06:31:00.000Z",
        },
    }


def test_one_of_its_own_does_not_wait_and_takes_no_sums_along() -> None:
    kept, make_token = RequestSums(), tokens()
    kept.add(FORGED, NOW)
    kept.told([event["id"] for event in kept.batch(NOW, make_token)], NOW)
    kept.add(FORGED, NOW + 1)
    kept.add_single(MISSING, NOW + 1, "own")
    (single,) = kept.batch(NOW + 1, make_token)
    assert faults(single) == []
    assert (single["id"], single["agent"], single["verified"]) == ("refusal/own#1", AGENT, True)
    assert (single["data"]["request_id"], single["data"]["count"]) == ("r-1", 1)


def test_what_the_bus_did_not_take_is_told_again_under_its_id_and_not_before_its_time() -> None:
    kept, make_token = RequestSums(), tokens()
    kept.add(FORGED, NOW)
    untold = kept.batch(NOW, make_token)
    kept.told([], NOW)
    kept.add_single(MISSING, NOW + 1, "own")
    assert kept.batch(NOW + INTERVAL - 1, make_token) == []
    again = kept.batch(NOW + INTERVAL, make_token)
    assert again[0] == untold[0]
    assert [event["type"] for event in again] == [AUTHENTICATION_REFUSED, REQUEST_REFUSED]


@pytest.mark.parametrize("address", ["x" * 5000, "203.0.113.7\n", 'a"b', "\ud800"])
def test_hostile_values_are_cut(address: str) -> None:
    kept = RequestSums()
    odd = refused(REQUEST_REFUSED, "not_found", address, method="GET", route="/v1/x", request_id=f"{address}é" * 99)
    kept.add(odd, NOW)
    (event,) = kept.batch(NOW, tokens())
    assert event["ip"] == ""
    assert faults(event) == []
    assert event["data"]["request_id"].isascii()
    assert len(json.dumps(event)) < 600


addresses = st.integers(0, 200).map("203.0.113.{}".format)
steps = st.tuples(addresses, st.integers(0, 300), st.sampled_from(CODES), st.booleans(), st.integers(0, INTERVAL))


@given(st.lists(steps, max_size=300), st.data())
def test_everything_refused_is_told_once_and_little_is_kept(made: list[Any], data: st.DataObject) -> None:
    kept, make_token, now, told = RequestSums(), tokens(), NOW, dict[str, Event]()
    for number, (address, key, code, single, pause) in enumerate(made):
        forged = refused(AUTHENTICATION_REFUSED, code, address, key_id=f"key-{key}")
        if single:
            kept.add_single(forged, now, f"single-{number}")
        else:
            kept.add(forged, now)
        batch = kept.batch(now, make_token)
        assert len(batch) <= MAX_EVENTS
        taken = data.draw(st.sets(st.sampled_from([event["id"] for event in batch]))) if batch else set()
        kept.told(taken, now)
        told |= {event["id"]: event for event in batch if event["id"] in taken}
        now += pause // 100
    rest = list(drained(kept, now + INTERVAL, make_token))
    assert len(rest) <= request_sums.MAX_REFUSED_WITHOUT_KEY + len(CODES) + MAX_EVENTS
    told |= {event["id"]: event for event in rest}
    assert sum(event["data"]["count"] for event in told.values()) == len(made)


def test_a_flood_of_keys_and_addresses_is_bounded_and_counted() -> None:
    kept = RequestSums()
    for number in range(5000):
        ip = f"203.0.{number // 250}.{number % 250}"
        kept.add(refused(AUTHENTICATION_REFUSED, CODES[number % 3], ip, key_id=f"key-{number}"), NOW)
    events = list(drained(kept, NOW, tokens()))
    assert len(events) == request_sums.MAX_REFUSED_WITHOUT_KEY + len(CODES)
    assert sum(event["data"]["count"] for event in events) == 5000
    assert {event["key"] for event in events if not event["ip"]} == {None}


def served(agent: str = AGENT, address: str = "203.0.113.7", route: str = "/v1/whoami", key: str = KEY_ID) -> Answered:
    return replace(READ, agent=agent, source_ip=address, route=route, key_id=key)


def test_what_was_served_is_told_as_refusals_are() -> None:
    kept, make_token = RequestSums(), tokens()
    kept.add(READ, NOW)
    kept.told([event["id"] for event in kept.batch(NOW, make_token)], NOW)
    for later in range(1, 15):
        kept.add(READ, NOW + later * SECOND // 2)
    (summed,) = kept.batch(NOW + INTERVAL, make_token)

    assert faults(summed) == []
    assert (summed["id"], summed["type"], summed["verified"]) == ("served/t1#1", REQUEST_SERVED, True)
    assert (summed["agent"], summed["key"], summed["ip"]) == (AGENT, KEY_ID, "203.0.113.7")
    assert summed["data"] == {
        "status": 200,
        "method": "GET",
        "route": "/v1/transactions",
        "country": "NL",
        "count": 14,
        "first_at": "2026-11-21T06:31:00.500Z",
        "last_at": "2026-11-21T06:31:07.000Z",
    }


@pytest.mark.parametrize(
    "other",
    [
        {"agent": f"ag_{'b' * 22}"},
        {"key_id": None},
        {"source_ip": "203.0.113.8"},
        {"country": "BR"},
        {"method": "POST"},
        {"route": "/v1/whoami"},
        {"status": 201},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_differs_is_told_apart(other: dict[str, Any]) -> None:
    kept = RequestSums()
    for _ in range(2):
        kept.add(READ, NOW)
        kept.add(replace(READ, **other), NOW)
    assert [event["data"]["count"] for event in kept.batch(NOW, tokens())] == [2, 2]


def test_neither_kind_takes_the_others_share_of_a_batch() -> None:
    kept = RequestSums()
    for number in range(1000):
        kept.add(served(agent=f"ag_{number:022d}"), NOW)
    for number in range(5):
        kept.add(replace(FORGED, source_ip=f"198.51.100.{number}"), NOW)
    told = list(drained(kept, NOW, tokens()))
    assert [event["type"] for event in told[:MAX_EVENTS]] == [AUTHENTICATION_REFUSED, REQUEST_SERVED] * 5
    assert len(told) == request_sums.MAX_SERVED_WITHOUT_KEY + 1 + 5
    (of_many,) = (event for event in told if event["verified"] and event["agent"] is None)
    assert (of_many["key"], of_many["ip"]) == (None, "")
    assert of_many["data"]["count"] == 1000 - request_sums.MAX_SERVED_WITHOUT_KEY


def test_what_one_kind_does_not_need_is_the_others() -> None:
    kept = RequestSums()
    for number in range(20):
        kept.add(served(agent=f"ag_{number:022d}"), NOW)
    kept.add(FORGED, NOW)
    types = [event["type"] for event in kept.batch(NOW, tokens())]
    assert types == [AUTHENTICATION_REFUSED] + [REQUEST_SERVED] * 9


def test_an_agent_of_many_addresses_does_not_blur_another() -> None:
    kept = RequestSums()
    for number in range(5000):
        kept.add(served(address=f"2001:db8::{number:x}"), NOW)
    other = f"ag_{'b' * 22}"
    kept.add(served(agent=other, address="192.0.2.1"), NOW)
    told = list(drained(kept, NOW, tokens()))
    assert len(told) == request_sums.MAX_SERVED_OF_AGENT + 2
    (clear,) = (event for event in told if event["agent"] == other)
    assert (clear["key"], clear["ip"], clear["data"]["country"]) == (KEY_ID, "192.0.2.1", "NL")
    (blurred,) = (event for event in told if not event["ip"])
    assert (blurred["agent"], blurred["key"], "country" in blurred["data"]) == (AGENT, None, False)
    assert sum(event["data"]["count"] for event in told if event["agent"] == AGENT) == 5000


requests = st.one_of(
    st.builds(
        served,
        agent=st.integers(0, 40).map("ag_{:022d}".format),
        address=addresses,
        route=st.sampled_from(["/v1/whoami", "/v1/transactions", "/v1/keys"]),
        key=st.sampled_from(["pk_a", "pk_b"]),
    ),
    st.builds(refused, st.just(AUTHENTICATION_REFUSED), st.sampled_from(CODES), addresses),
)


@given(st.lists(requests, max_size=400), st.booleans())
def test_each_agents_requests_are_told_as_its_own_while_there_is_room(made: list[Answered], drain: bool) -> None:
    kept, make_token, told = RequestSums(), tokens(), list[Event]()
    for number, request in enumerate(made):
        kept.add(request, NOW + number * SECOND)
        if drain:
            batch = kept.batch(NOW + number * SECOND, make_token)
            kept.told([event["id"] for event in batch], NOW)
            told += batch
    left = list(drained(kept, NOW + len(made) * SECOND + INTERVAL, make_token))
    told += left
    assert len(left) <= request_sums.MAX_SERVED_WITHOUT_KEY + 3 + request_sums.MAX_REFUSED_WITHOUT_KEY + len(CODES)
    given_ = Counter(request.agent for request in made)
    counted = Counter[str | None]()
    for event in told:
        counted[event["agent"]] += event["data"]["count"]
    assert counted.total() == len(made)
    assert all(counted[agent] <= number for agent, number in given_.items() if agent)
    places = {(request.agent, request.route) for request in made}
    if len(places) <= request_sums.MAX_SERVED_WITHOUT_KEY - request_sums.MAX_SERVED:
        assert counted == given_
