"""The detector on a small fleet: finds what is stolen, spares what is normal, and cannot be taught by a thief."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portcullis.domain.detection import joint
from portcullis.domain.detection.behaviour import Behaviour
from portcullis.domain.detection.joint import Point
from portcullis.domain.detection.population import Population
from tests.unit.domain.detection.fleet import AGENTS, HOUR, mean, normal, replay, trained

AGENT = 9
DOLLARS = st.floats(0, 1e12)


def test_thefts_are_found_and_customers_left_alone() -> None:
    fleet = trained()
    assert sum(fleet.thefts) / len(fleet.thefts) >= 0.9
    assert sum(fleet.false_alarms) / len(fleet.false_alarms) <= 0.003


@given(st.tuples(DOLLARS, DOLLARS), st.integers(0, AGENTS - 1))
@settings(max_examples=60)
def test_a_larger_amount_is_never_less_surprising(amounts: tuple[float, float], agent: int) -> None:
    fleet = trained()
    smaller, larger = (
        joint.score(fleet.behaviours[agent], fleet.population, Point(fleet.now, usd, 0, 1)) for usd in sorted(amounts)
    )
    assert smaller.event <= larger.event
    assert smaller.joint <= larger.joint


def test_the_largest_customer_is_not_surprising_for_being_large() -> None:
    fleet, random, largest = trained(), Random(1), AGENTS - 1
    behaviour = fleet.behaviour(largest)
    behaviour.mean += 2.0
    points = [normal(largest, random, fleet.now + number * 5 * HOUR) for number in range(30)]
    raised = [Point(one.at, 7.4 * one.usd, one.endpoint, one.counterparty) for one in points]
    assert not any(map(joint.flagged, replay(behaviour, fleet.population, raised)))


def test_an_alarm_is_raised_by_either_share_of_the_budget() -> None:
    surprise = joint.score(Behaviour.new(), Population.new(), Point(HOUR, 1.0, 0, 0))
    by_itself, together = surprise._replace(event=3.31), surprise._replace(joint=3.31)
    assert joint.flagged(by_itself)
    assert joint.flagged(together)
    assert not joint.flagged(surprise._replace(event=3.30, joint=3.30))
    assert not joint.flagged(by_itself, budget=0.5)
    assert joint.flagged(surprise._replace(event=3.0), budget=3.0)


def test_poisoning_is_caught_and_does_not_move_the_mean() -> None:
    fleet = trained()
    behaviour = fleet.behaviour(AGENT)
    before = behaviour.mean
    poison = [Point(fleet.now + number * HOUR, 8 * mean(AGENT), AGENT % 3, 90) for number in range(30)]
    assert all(map(joint.flagged, replay(behaviour, fleet.population, poison)))
    assert behaviour.mean == before


def test_a_slow_drain_is_found_by_what_accumulates_alone() -> None:
    fleet = trained()
    drain = [Point(fleet.now + number * 2 * HOUR, 1.9 * mean(AGENT), AGENT % 3, 90) for number in range(12)]
    surprises = replay(fleet.behaviour(AGENT), fleet.population, drain)
    assert not any(joint.flagged(one._replace(joint=0.0)) for one in surprises)
    assert joint.flagged(surprises[-1])


def test_a_release_lets_a_change_be_learnt() -> None:
    fleet = trained()
    behaviour, random = fleet.behaviour(AGENT), Random(1)
    larger = [
        Point(fleet.now + number * HOUR, 4 * normal(AGENT, random, 0).usd, AGENT % 3, AGENT * 10)
        for number in range(20)
    ]
    assert all(map(joint.flagged, replay(behaviour, fleet.population, larger[:10])))
    joint.release(behaviour, larger[:10])
    assert not any(map(joint.flagged, replay(behaviour, fleet.population, larger[10:])))


def test_until_it_is_known_an_agent_learns_what_is_flagged() -> None:
    fleet, behaviour = trained(), Behaviour.new()
    surprises = replay(behaviour, fleet.population, [Point(fleet.now + n * HOUR, 9_000.0, 0, 1) for n in range(10)])
    assert joint.flagged(surprises[0])
    assert behaviour.weight == 10


def test_a_fleet_of_less_than_2000_requests_raises_no_alarm_but_of_what_is_far_above_the_agents_own_past() -> None:
    behaviour, population = Behaviour.new(), Population.new()
    for number in range(1800):
        point = Point(number * HOUR, 100.0 + number % 7, 0, 0)
        surprise = joint.score(behaviour, population, point)
        assert not joint.flagged(surprise)
        delta = Population.new()
        joint.learn(behaviour, delta, point, surprise, flagged=False)
        population.add(delta)
    assert not joint.flagged(joint.score(behaviour, population, Point(1800 * HOUR, 115.0, 5, 1)))
    far = joint.score(behaviour, population, Point(1800 * HOUR, 1e9, 5, 1))
    assert joint.is_far(far)
    assert joint.flagged(far)
    assert min(far.p_event, far.p_joint) > 5e-4, "the fleet cannot say so"


@pytest.mark.parametrize("late", [HOUR // 3600, HOUR, 400 * HOUR])
def test_a_late_request_does_not_turn_the_clock_back(late: int) -> None:
    fleet = trained()
    behaviour = fleet.behaviour(AGENT)
    at, seen, weight, hourly = behaviour.at, behaviour.seen, behaviour.weight, behaviour.hourly
    replay(behaviour, fleet.population, [Point(at - late, mean(AGENT), AGENT % 3, AGENT * 10)])
    assert (behaviour.at, behaviour.seen) == (at, seen + 1)
    assert behaviour.weight == min(weight + 1, 200)
    assert hourly <= behaviour.hourly <= hourly + 1


def test_neighbours_in_another_order_leave_almost_the_same_state() -> None:
    fleet, random = trained(), Random(4)
    points = [normal(AGENT, random, fleet.now + number * 60_000_000) for number in range(10)]
    left, right = fleet.behaviour(AGENT), fleet.behaviour(AGENT)
    replay(left, fleet.population, points)
    replay(right, fleet.population, points[::-1])
    assert left.at == right.at
    assert left.hours == right.hours
    for name in ("mean", "spread", "weight", "hourly", "usual", "paid"):
        assert getattr(left, name) == pytest.approx(getattr(right, name), rel=0.05), name


def test_the_parts_name_what_is_unusual() -> None:
    fleet = trained()
    behaviour = fleet.behaviours[AGENT]
    usual = Point(fleet.now + 12 * HOUR, mean(AGENT), AGENT % 3, AGENT * 10)
    plain = joint.score(behaviour, fleet.population, usual)
    elsewhere = joint.score(behaviour, fleet.population, Point(usual.at, usual.usd, 77, 5))
    larger = joint.score(
        behaviour, fleet.population, Point(usual.at, 9 * usual.usd, usual.endpoint, usual.counterparty)
    )
    assert larger.amount > plain.amount + 1
    assert elsewhere.endpoint > plain.endpoint
    assert elsewhere.counterparty > plain.counterparty == 0
    assert plain.p_event == pytest.approx(10**-plain.event)
