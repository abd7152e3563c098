"""Each rule fires at its threshold and not below it."""

from typing import Any

import pytest

from portcullis.domain.detection import rules
from portcullis.domain.detection.conduct import Conduct, learn
from portcullis.domain.detection.observations import Observation
from portcullis.domain.detection.rules import RULES, judge
from tests.unit.domain.detection.observed import (
    ABROAD,
    DAY,
    HOME,
    HOUR,
    NEIGHBOUR,
    call,
    fired,
    names,
    payment,
    settled,
)


def denied(second: int, *broken: str) -> Observation:
    return payment(second, outcome="denied", rules=broken or ("per_transaction",))


@pytest.mark.parametrize(("ip", "rule"), [(NEIGHBOUR, "new_address"), (ABROAD, "new_network")])
def test_an_unknown_address_is_told_of_once_and_then_in_company(ip: str, rule: str) -> None:
    conduct = settled()
    assert fired(conduct, call(0), call(1, ip=ip), call(2, ip=ip)) == [set(), {rule}, set()]
    assert names(conduct, call(3, ip=ip), alarmed=True) == {rule}
    outside = denied(4, "destination_not_allowlisted")
    assert names(conduct, call(4, ip=ip, payment=outside.payment, rules=outside.rules)) == {rule, "destination_outside"}
    assert names(conduct, call(4), alarmed=True) == set()


def test_addresses_of_the_first_day_are_learnt_unless_flagged() -> None:
    conduct = Conduct.new()
    assert fired(conduct, call(0), call(DAY - 1, ip=ABROAD), call(DAY, ip=ABROAD)) == [set(), set(), set()]
    learn(conduct, call(DAY - 1, ip="192.0.2.1"), flagged=True)
    assert names(conduct, call(DAY, ip="192.0.2.1"), alarmed=True) == {"new_network"}
    assert names(conduct, call(DAY, ip="192.0.3.1")) == {"new_network"}


def test_an_address_that_is_used_regularly_becomes_known() -> None:
    conduct = settled()
    for step in range(3):
        learn(conduct, call(step * 8 * HOUR, ip=ABROAD), flagged=False)
    just_before = call(24 * HOUR - 1, ip=ABROAD)
    learn(conduct, just_before, flagged=False)
    assert names(conduct, just_before, alarmed=True) == {"new_network"}
    learn(conduct, call(24 * HOUR, ip=ABROAD), flagged=False)
    assert names(conduct, call(24 * HOUR, ip=ABROAD), alarmed=True) == set()


def test_a_flagged_use_does_not_make_an_address_known_and_starts_its_probation_anew() -> None:
    conduct = settled()
    for hour in range(100):
        learn(conduct, call(hour * HOUR, ip=ABROAD), flagged=hour % 20 == 0)
    assert names(conduct, call(100 * HOUR, ip=ABROAD), alarmed=True) == {"new_network"}


def test_ipv6_addresses_are_their_64_and_their_networks_the_48() -> None:
    conduct = settled(ip="2001:db8:1:2::1")
    assert names(conduct, call(0, ip="2001:db8:1:2:ffff::9")) == set()
    assert names(conduct, call(0, ip="2001:db8:1:3::1")) == {"new_address"}
    assert names(conduct, call(0, ip="2001:db8:2:2::1")) == {"new_network"}


def test_a_pool_is_known_by_four_of_its_addresses() -> None:
    conduct = settled()
    for last in range(3):
        assert names(conduct, call(0, ip="203.0.113.200")) == {"new_address"}
        for step in range(4):
            learn(conduct, call(step * 8 * HOUR, ip=f"203.0.113.{last + 20}"), flagged=False)
    assert names(conduct, call(25 * HOUR, ip="203.0.113.200"), alarmed=True) == set()


def test_an_agent_without_a_fixed_address_gets_no_signals_of_addresses() -> None:
    conduct = settled()
    for network in range(5):
        assert names(conduct, call(0, ip="192.0.2.1")) == {"new_network"}
        learn(conduct, call(-DAY + network, ip=f"198.18.{network}.1"), flagged=False)
    assert names(conduct, call(5, ip="192.0.2.1", country="JP"), alarmed=True) == set()


@pytest.mark.parametrize(
    ("seconds", "country", "fires"),
    [(HOUR, "US", True), (HOUR + 1, "US", False), (1, "DE", False), (1, None, False)],
)
def test_travel_is_impossible_within_an_hour(seconds: int, country: str | None, fires: bool) -> None:
    conduct = settled(country="DE")
    learn(conduct, call(0, country="DE"), flagged=False)
    assert ("impossible_travel" in names(conduct, call(seconds, ip=ABROAD, country=country))) is fires


def test_a_country_that_is_known_is_no_travel() -> None:
    conduct = settled(country="DE")
    for step in range(4):
        learn(conduct, call(step * 8 * HOUR, ip=ABROAD, country="US"), flagged=False)
    learn(conduct, call(25 * HOUR, country="DE"), flagged=False)
    assert names(conduct, call(25 * HOUR + 1, ip="192.0.2.1", country="US")) == {"new_network"}


def in_turns(conduct: Conduct, gap: int, turns: int, **thief: Any) -> list[set[str]]:
    """What fires on the second of two that take turns, one from home and one from abroad."""
    found = []
    for turn in range(turns):
        fired(conduct, call(2 * turn * gap))
        found += fired(conduct, call((2 * turn + 1) * gap, ip=ABROAD, **thief))
    return found


def test_a_key_in_two_places_is_told_when_it_returns_for_the_third_time() -> None:
    expected = [{"new_network"}, set(), set(), {"new_network", "two_places"}, {"new_network", "two_places"}]
    assert in_turns(settled(), 60, 5) == expected


def test_two_places_do_not_take_turns_over_more_than_an_hour_or_with_two_keys() -> None:
    assert in_turns(settled(), HOUR // 2, 4)[3] == {"new_network", "two_places"}
    assert in_turns(settled(), HOUR // 2 + 1, 9)[3:] == [set()] * 6
    assert in_turns(settled(), 60, 9, key="another key")[3:] == [set()] * 6


def test_a_fleet_that_always_shared_its_key_is_in_no_two_places() -> None:
    conduct = Conduct.new()
    assert in_turns(conduct, 60, 40) == [set()] * 40
    fired(conduct, call(2 * DAY))
    assert fired(conduct, call(2 * DAY + 1, ip=ABROAD), call(2 * DAY + 2), call(2 * DAY + 3, ip=ABROAD)) == [set()] * 3


def test_a_move_to_another_network_is_no_two_places() -> None:
    conduct = settled()
    fired(conduct, call(0))
    moved = [call(60 * minute, ip=ABROAD) for minute in range(1, 60)]
    assert fired(conduct, *moved) == [{"new_network"}, *[set()] * 58]


@pytest.mark.parametrize(
    ("errors", "calls", "fires"), [(6, 20, False), (7, 20, True), (6, 19, False), (30, 100, False), (31, 100, True)]
)
def test_the_error_rate_is_above_30_percent_of_20(errors: int, calls: int, fires: bool) -> None:
    conduct = settled()
    learn(conduct, call(0, count=calls - errors), flagged=False)
    learn(conduct, call(240, count=errors - 1, outcome="failed", problem="not_found"), flagged=False)
    last = call(299, outcome="failed", problem="not_found")
    assert names(conduct, last) == ({"error_rate"} if fires else set())


def test_errors_leave_their_window_and_ours_are_nobodys() -> None:
    for problem, second, expected in (
        ("not_found", 299, {"error_rate"}),
        ("not_found", 300, set()),
        ("dependency_unavailable", 299, set()),
        ("state_conflict", 299, set()),
    ):
        conduct = settled()
        learn(conduct, call(0, count=30, outcome="failed", problem=problem), flagged=False)
        assert names(conduct, call(second, outcome="failed", problem=problem)) == expected


@pytest.mark.parametrize(("denials", "payments", "fires"), [(5, 10, False), (6, 10, True), (9, 9, False)])
def test_the_denial_rate_is_above_half_of_10(denials: int, payments: int, fires: bool) -> None:
    conduct = settled()
    asked = [payment(second) for second in range(payments - denials)]
    asked += [denied(3_000 + second, "kind") for second in range(denials)]
    found = fired(conduct, *asked)
    assert found[:-1] == [set()] * (payments - 1)
    assert found[-1] == ({"denial_rate"} if fires else set())


@pytest.mark.parametrize("rule", sorted(rules.OUTSIDE))
def test_a_payment_outside_the_allowlist_is_told_at_once(rule: str) -> None:
    assert names(settled(), denied(0, "per_transaction", rule)) == {"destination_outside"}
    assert names(settled(), denied(0, "per_transaction")) == set()


def limited(second: int, kind: str) -> Observation:
    if kind == "call":
        return call(second, outcome="limited", problem="rate_limited")
    return denied(second, kind)


@pytest.mark.parametrize("kind", ["call", "daily_limit", "rate_limited", "per_transaction_limit"])
def test_the_sixth_limit_hit_of_an_hour_is_told(kind: str) -> None:
    found = fired(settled(), *(limited(minute * 600, kind) for minute in range(6)))
    assert found == [*[set()] * 5, {"limit_hits"}]
    later = fired(settled(), *(limited(minute * 720, kind) for minute in range(12)))
    assert later == [set()] * 12


def test_five_equal_payments_in_a_row_are_told_and_then_twice_as_many() -> None:
    found = fired(settled(), *(payment(second, content="same") for second in range(20)))
    assert [run for run, told in enumerate(found, 1) if told == {"identical_requests"}] == [5, 10, 20]


@pytest.mark.parametrize(
    "fifth",
    [
        payment(4, content="other"),
        payment(3 + 601, content="same"),
        payment(2, content="same"),
        payment(4, content="same", id="tx#1"),
    ],
)
def test_a_run_ends_with_another_payment_and_after_ten_minutes(fifth: Observation) -> None:
    four = [payment(second, content="same", id=f"tx#{second % 3 + second // 3}") for second in range(3)]
    assert fired(settled(), *four, payment(3, content="same", id="tx#1"), fifth) == [set()] * 5


def test_other_calls_do_not_end_a_run() -> None:
    asked = [each for second in range(5) for each in (payment(second, content="same"), call(second))]
    assert fired(settled(), *asked)[-2] == {"identical_requests"}


def paying(an_hour: int, usd: int = 1) -> Conduct:
    """An agent that has paid so often in each of the last 12 hours of its second day."""
    conduct = settled()
    for hour in range(-13, -1):
        for each in range(an_hour):
            learn(conduct, payment(hour * HOUR + each, usd), flagged=False)
    learn(conduct, call(0), flagged=False)
    conduct.payments.learnt, conduct.payments.mean = 12, an_hour * 256
    conduct.cents.learnt, conduct.cents.mean = 12, an_hour * usd * 100 * 256
    return conduct


@pytest.mark.parametrize(("an_hour", "payments"), [(1, 20), (3, 31), (10, 101)])
def test_velocity_is_above_ten_times_the_own_payments_and_at_least_20(an_hour: int, payments: int) -> None:
    found = fired(paying(an_hour), *(payment(10 * second, 0) for second in range(payments)))
    assert found == [*[set()] * (payments - 1), {"velocity"}]


@pytest.mark.parametrize(("usd", "fires"), [(50, False), (51, True)])
def test_velocity_of_value_is_above_ten_times_the_own_value(usd: int, fires: bool) -> None:
    # Ten times ten payments of 1 USD an hour.
    found = fired(paying(10), payment(0, 25), payment(1, 25), payment(2, usd))
    assert found == [set(), set(), {"value_velocity"} if fires else set()]


def test_own_rates_are_learnt_before_they_are_held_against_anyone() -> None:
    conduct = paying(1)
    conduct.payments.learnt = 11
    assert fired(conduct, *(payment(10 * second, 1_000) for second in range(60))) == [set()] * 60


def signing(a_minute: int) -> Conduct:
    conduct = settled()
    for minute in range(-31, 0):
        learn(conduct, call(minute * 60, count=a_minute), flagged=False)
    conduct.requests.mean = a_minute * 256
    return conduct


@pytest.mark.parametrize(("a_minute", "signed"), [(1, 60), (6, 61), (20, 201)])
def test_the_signing_rate_is_above_ten_times_the_own_and_at_least_60(a_minute: int, signed: int) -> None:
    conduct = signing(a_minute)
    found = fired(conduct, call(0, count=signed - 1), call(59))
    assert found == [set(), {"signing_rate"}]
    assert fired(signing(a_minute), call(0, count=signed - 1), call(60)) == [set(), set()]


def test_the_table_is_whole() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES) == 12
    assert all(1 <= rule.severity <= 6 for rule in RULES)


def test_signals_carry_their_number_and_threshold() -> None:
    (signal,) = judge(settled(), call(0, ip=ABROAD))
    assert (signal.severity, signal.value, signal.threshold) == (3, "1", "1")


@pytest.mark.parametrize(
    ("at_work", "told"), [([HOME], set[str]()), ([HOME, ABROAD], {"new_network", "two_places"})], ids=["moves", "grows"]
)
def test_a_fleet_of_which_one_moves_is_in_no_two_places_but_one_that_grows_is(
    at_work: list[str], told: set[str]
) -> None:
    conduct = Conduct.new()
    in_turns(conduct, 60, 40)
    found = []
    for turn in range(2 * DAY, 2 * DAY + HOUR, 180):
        fired(conduct, *(call(turn + step, ip=ip) for step, ip in enumerate(at_work)))
        found += fired(conduct, call(turn + 60, ip="192.0.2.1"))
    assert found == [{"new_network"}, set(), set(), *[told] * 17]


def test_an_address_is_forgotten_after_90_days() -> None:
    for days, expected in ((90, set[str]()), (91, {"new_network"})):
        conduct = settled(ip=ABROAD)
        for day in range(0, days, 5):
            fired(conduct, *(call(day * DAY + step * 8 * HOUR) for step in range(5)))
        assert names(conduct, call(days * DAY - HOUR, ip=ABROAD)) == expected
