"""Refusals on their way to the bus: each is counted once, few events are told, and little is kept."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain import refusals
from portcullis.domain.refusals import AUTHENTICATION, INTERVAL, MAX_EVENTS, REQUEST, Refusals, RefusedRequest
from tests.event_schemas import faults
from tests.unit.domain.builders import AGENT, KEY_ID, NOW

FORGED = RefusedRequest(AUTHENTICATION, "invalid_credentials", "198.51.100.9", key_id=KEY_ID)
MISSING = RefusedRequest(
    REQUEST, "not_found", "203.0.113.7", AGENT, KEY_ID, True, "GET", "/v1/transactions/{id}", request_id="r-1"
)
CODES = ("invalid_credentials", "nonce_replayed", "missing_credentials")
Event = dict[str, Any]


def tokens() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"t{next(numbers)}"


def drained(kept: Refusals, now: int, make_token: Callable[[], str]) -> Iterator[Event]:
    """All that is told from now on, by a bus that takes everything."""
    while batch := kept.batch(now, make_token):
        yield from batch
        kept.told([event["id"] for event in batch], now)
        now += INTERVAL


def test_the_first_is_told_at_once_and_the_later_ones_in_a_sum() -> None:
    kept, make_token = Refusals(), tokens()
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
    kept, make_token = Refusals(), tokens()
    kept.add(FORGED, NOW)
    kept.told([event["id"] for event in kept.batch(NOW, make_token)], NOW)
    kept.add(FORGED, NOW + 1)
    kept.add_single(MISSING, NOW + 1, "own")
    (single,) = kept.batch(NOW + 1, make_token)
    assert faults(single) == []
    assert (single["id"], single["agent"], single["verified"]) == ("refusal/own#1", AGENT, True)
    assert (single["data"]["request_id"], single["data"]["count"]) == ("r-1", 1)


def test_what_the_bus_did_not_take_is_told_again_under_its_id_and_not_before_its_time() -> None:
    kept, make_token = Refusals(), tokens()
    kept.add(FORGED, NOW)
    untold = kept.batch(NOW, make_token)
    kept.told([], NOW)
    kept.add_single(MISSING, NOW + 1, "own")
    assert kept.batch(NOW + INTERVAL - 1, make_token) == []
    again = kept.batch(NOW + INTERVAL, make_token)
    assert again[0] == untold[0]
    assert [event["type"] for event in again] == [AUTHENTICATION, REQUEST]


@pytest.mark.parametrize("address", ["x" * 5000, "203.0.113.7\n", 'a"b', "\ud800"])
def test_hostile_values_are_cut(address: str) -> None:
    kept = Refusals()
    odd = RefusedRequest(REQUEST, "not_found", address, method="GET", route="/v1/x", request_id=f"{address}é" * 99)
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
    kept, make_token, now, told = Refusals(), tokens(), NOW, dict[str, Event]()
    for number, (address, key, code, single, pause) in enumerate(made):
        refused = RefusedRequest(AUTHENTICATION, code, address, key_id=f"key-{key}")
        if single:
            kept.add_single(refused, now, f"single-{number}")
        else:
            kept.add(refused, now)
        batch = kept.batch(now, make_token)
        assert len(batch) <= MAX_EVENTS
        taken = data.draw(st.sets(st.sampled_from([event["id"] for event in batch]))) if batch else set()
        kept.told(taken, now)
        told |= {event["id"]: event for event in batch if event["id"] in taken}
        now += pause // 100
    rest = list(drained(kept, now + INTERVAL, make_token))
    assert len(rest) <= refusals.MAX_WITHOUT_KEY + len(CODES) + MAX_EVENTS
    told |= {event["id"]: event for event in rest}
    assert sum(event["data"]["count"] for event in told.values()) == len(made)


def test_a_flood_of_keys_and_addresses_is_bounded_and_counted() -> None:
    kept = Refusals()
    for number in range(5000):
        ip = f"203.0.{number // 250}.{number % 250}"
        kept.add(RefusedRequest(AUTHENTICATION, CODES[number % 3], ip, key_id=f"key-{number}"), NOW)
    events = list(drained(kept, NOW, tokens()))
    assert len(events) == refusals.MAX_WITHOUT_KEY + len(CODES)
    assert sum(event["data"]["count"] for event in events) == 5000
    assert {event["key"] for event in events if not event["ip"]} == {None}
