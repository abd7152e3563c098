"""What is looked at when, and what is emitted again: everything that is missing, and nothing that did not happen."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.aws import records, stored_events
from portcullis.domain import lifecycle
from portcullis.domain.lifecycle import Moved, Outcome
from portcullis.domain.reconciliation import (
    LONGEST_SPAN,
    LOST_AFTER,
    PASSES,
    SHORTEST_SPAN,
    Pass,
    following,
    lost,
)
from portcullis.domain.record import Mover, Record, event_of
from portcullis.domain.times import HOUR
from tests.event_schemas import faults
from tests.unit.domain import builders

NOW = builders.NOW
TOKEN = b"t" * 16
MOVERS = [Mover("ag_" + "e" * 22, builders.KEY_ID, "203.0.113.9", NOW + minute * 60_000_000) for minute in range(1, 9)]


def moved(outcome: Outcome) -> Record:
    assert isinstance(outcome, Moved)
    return outcome.record


def lives() -> list[list[Record]]:
    """Transactions in each state that they went through, oldest first."""
    account, sha256 = builders.account(), builders.transaction().sha256
    held = builders.held(approval_by=("risk_agent", "human"))
    once = moved(lifecycle.approve(held, account, MOVERS[0], "risk_agent", sha256))
    twice = moved(lifecycle.approve(once, account, replace(MOVERS[1], actor="anna"), "human", sha256))
    claimed = moved(lifecycle.claim(twice, account, MOVERS[2], TOKEN))
    late = moved(lifecycle.expire(claimed, MOVERS[2].at + lifecycle.LEASE))
    settled = moved(lifecycle.reconcile(late, replace(MOVERS[0], at=late.changed_at + 1), "settled", "0xfeed"))
    cancelled = moved(lifecycle.cancel(builders.record(), MOVERS[0], None))
    return [[held, once, twice, claimed, late, settled], [builders.record(), cancelled], [builders.denied()]]


LIVES = lives()
PUBLISHED = [{event["id"]: event for event in map(event_of, life)} for life in LIVES]


def stored(life: list[Record]) -> list[dict[str, Any]]:
    return stored_events.every(records.to_item(life[-1]))


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life[-1].status)
def test_each_state_is_one_event_of_its_own_name_and_instant(life: list[Record]) -> None:
    rebuilt = [(event["id"], event["at"], event["rev"]) for event in stored(life)]
    assert rebuilt == [(event["id"], event["at"], event["rev"]) for event in map(event_of, life)]
    assert [event["data"]["status"] for event in stored(life)] == [record.status for record in life]


@given(st.sampled_from(range(len(LIVES))), st.data())
def test_whatever_is_lost_every_rev_is_told_and_nothing_is_invented(which: int, data: st.DataObject) -> None:
    published, kept = PUBLISHED[which], stored(LIVES[which])
    recorded = dict(data.draw(st.lists(st.sampled_from(sorted(published.items(), key=str)), unique_by=lambda e: e[0])))
    again = lost(kept, recorded)
    assert {event["id"] for event in again} == published.keys() - recorded.keys()
    for event in again:
        original = published[event["id"]]
        if event["type"] == "transaction.unrecorded":
            assert event["data"].pop("rebuilt") is True
            assert event["data"].items() <= original["data"].items()
            assert all(event[name] in (original[name], None, "", False) for name in ("key", "ip", "verified"))
        else:
            assert event == original
    assert lost(kept, recorded.keys() | {event["id"] for event in again}) == []


def test_only_the_latest_state_is_told_as_if_nothing_had_been_lost() -> None:
    types = [event["type"] for event in stored(LIVES[0])]
    assert types == ["transaction.unrecorded"] * 5 + ["transaction.settled"]


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life[-1].status)
def test_what_is_told_keeps_its_schema(life: list[Record]) -> None:
    assert [fault for event in stored(life) for fault in faults(event)] == []


def test_who_asked_is_known_of_the_first_state_and_nobody_of_the_others() -> None:
    first, second, *_ = stored(LIVES[0])
    assert (first["key"], first["ip"], first["verified"]) == (builders.KEY_ID, "203.0.113.7", True)
    assert (second["key"], second["ip"], second["verified"]) == (None, "", False)


def test_the_states_before_the_past_was_kept_are_left_alone() -> None:
    newer = replace(LIVES[0][-1], past=LIVES[0][-1].past[2:])
    assert [event["rev"] for event in stored([newer])] == [3, 4, 5, 6]


def test_the_first_pass_looks_back_as_far_as_may_be() -> None:
    assert following(None, NOW) == Pass(NOW - LONGEST_SPAN, NOW - LOST_AFTER)


def test_a_pass_that_has_not_ended_goes_on() -> None:
    begun = Pass(0, NOW - LOST_AFTER, missing=3, place=("a", "b"))
    assert following(begun, NOW + 99 * HOUR) == begun


@given(st.integers(0, 60 * 24 * 3600 * 10**6), st.integers(1, PASSES), st.integers(0, 2))
def test_spans_leave_no_gap_and_touch_nothing_that_may_still_come(later: int, number: int, missing: int) -> None:
    done = Pass(NOW - SHORTEST_SPAN, NOW, number, missing, None, ended=True)
    now = NOW + LOST_AFTER + later
    found = following(done, now)
    if missing and number < PASSES:
        assert found == Pass(done.since, done.until, number + 1)
    elif later < SHORTEST_SPAN:
        assert found is None
    else:
        assert found == Pass(max(done.until, now - LONGEST_SPAN), now - LOST_AFTER)
