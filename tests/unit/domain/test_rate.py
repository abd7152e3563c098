"""GCRA: never more than the burst and the rate allow, and the same as a naive bucket."""

from fractions import Fraction
from itertools import accumulate, combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain.rate import Claim, Rate, claims, key_tat, parse, render, wait
from portcullis.domain.times import SECOND

RATES = st.builds(Rate, st.integers(1, 60_000), st.integers(1, 20))
GAPS = st.lists(st.integers(0, 3 * SECOND) | st.integers(0, 50), max_size=60)


def arrivals(gaps: list[int]) -> list[int]:
    return list(accumulate(gaps, initial=1_795_242_660_000_000))


def admitted(rate: Rate, times: list[int]) -> list[int]:
    tat, passed = 0, []
    for now in times:
        if rate.admits(tat, now):
            tat = after(rate, tat, now)
            passed.append(now)
    return passed


def after(rate: Rate, tat: int, now: int) -> int:
    return Claim("agent", "tat", rate, now, now).after(tat)


def bucket(rate: Rate, times: list[int]) -> list[int]:
    """The naive reference: a bucket of ``burst`` tokens that fills by one in each interval."""
    tokens, last, passed = Fraction(rate.burst), times[0], []
    for now in times:
        tokens = min(Fraction(rate.burst), tokens + Fraction(now - last, rate.interval))
        last = now
        if tokens >= 1:
            tokens -= 1
            passed.append(now)
    return passed


@given(RATES, GAPS)
def test_no_window_admits_more_than_the_burst_and_the_rate(rate: Rate, gaps: list[int]) -> None:
    passed = admitted(rate, arrivals(gaps))

    for first, last in combinations_with_replacement(range(len(passed)), 2):
        elapsed = passed[last] - passed[first]
        assert last - first + 1 <= rate.burst + Fraction(elapsed * rate.per_minute, 60 * SECOND)


@given(RATES, GAPS)
def test_it_admits_what_a_bucket_would(rate: Rate, gaps: list[int]) -> None:
    assert admitted(rate, arrivals(gaps)) == bucket(rate, arrivals(gaps))


@given(RATES, GAPS)
def test_remaining_is_how_many_pass_at_once(rate: Rate, gaps: list[int]) -> None:
    tat, now = 0, arrivals(gaps)[-1]
    for passed in admitted(rate, arrivals(gaps)):
        tat = after(rate, tat, passed)

    assert len(admitted_from(rate, tat, now)) == rate.remaining(tat, now)


def admitted_from(rate: Rate, tat: int, now: int) -> list[int]:
    passed = []
    while rate.admits(tat, now):
        tat = after(rate, tat, now)
        passed.append(now)
    return passed


@given(RATES, st.integers(0, 100 * SECOND))
def test_after_the_wait_one_more_is_admitted(rate: Rate, ahead: int) -> None:
    now = 1_795_242_660_000_000
    tat = now + rate.tolerance + 1 + ahead
    wait = rate.retry_after(tat, now)

    assert not rate.admits(tat, now)
    assert rate.admits(tat, now + wait * SECOND)
    assert wait == 1 or not rate.admits(tat, now + (wait - 1) * SECOND)


def test_the_boundary_is_exact() -> None:
    rate = Rate(per_minute=60, burst=3)

    assert rate.tolerance == 2 * SECOND
    assert rate.admits(tat=12 * SECOND, now=10 * SECOND)
    assert not rate.admits(tat=12 * SECOND + 1, now=10 * SECOND)


@pytest.mark.parametrize(("per_minute", "interval"), [(1, 60 * SECOND), (600, 100_000), (7, 8_571_429), (60_000, 1000)])
def test_the_interval_is_rounded_up(per_minute: int, interval: int) -> None:
    assert Rate(per_minute, 1).interval == interval


def test_an_idle_account_does_not_save_up_more_than_a_burst() -> None:
    rate = Rate(per_minute=600, burst=5)
    assert len(admitted(rate, [10**15] * 50)) == 5


def test_a_request_asks_of_its_agent_and_of_its_key_where_that_has_a_rate() -> None:
    agent, key = Rate(600, 5), Rate(60, 2)

    assert claims(agent, None, "0abcdefghijk#3", 1, 2) == (Claim("agent", "tat", agent, 1, 2),)
    assert claims(agent, key, "0abcdefghijk#3", 1, 2)[1:] == (Claim("key", "t#0abcdefg", key, 1, 2),)


def test_a_key_that_changes_keeps_its_bucket() -> None:
    assert key_tat("0abcdefghijk#3") == key_tat("0abcdefghijk#4") != key_tat("0abcdeXghijk#3")


def test_the_wait_is_that_of_the_rate_that_is_furthest_behind() -> None:
    now = 10**15
    asked = claims(Rate(60, 1), Rate(1, 1), "0abcdefg", now, now)

    assert wait(asked, {}) is None
    assert wait(asked, {"tat": now, "t#0abcdefg": now}) is None
    assert wait(asked, {"tat": now + 1}) == 1
    assert wait(asked, {"tat": now + SECOND, "t#0abcdefg": now + 60 * SECOND}) == 60


def test_what_lost_the_idle_form_once_is_busy_for_good() -> None:
    late = Claim("agent", "tat", Rate(60, 5), arrived=100, now=10**9)

    assert (late.is_idle(100), late.is_idle(101)) == (True, False)
    assert (late.after(100), late.after(101)) == (10**9 + SECOND, 101 + SECOND)


@pytest.mark.parametrize(("rate", "text"), [(None, ""), (Rate(60, 10), "60/10")])
def test_a_rate_travels_as_text(rate: Rate | None, text: str) -> None:
    assert (render(rate), parse(text)) == (text, rate)


@pytest.mark.parametrize("text", ["60", "60/", "a/b", "60/10/1"])
def test_anything_else_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid literal|unpack"):
        parse(text)
