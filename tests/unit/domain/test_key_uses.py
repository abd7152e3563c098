"""The sampler: few uses are remembered, and yet the last one is never a minute old, nor a new address late."""

from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain.key_uses import INTERVAL, MAX_ADDRESSES, Sampler, Use, describe
from portcullis.domain.times import SECOND
from tests.unit.domain.builders import KEY_ID, NOW

HOME, ELSEWHERE = "203.0.113.7", "2001:db8::1"
GAPS = st.integers(0, INTERVAL + SECOND) | st.integers(0, 5 * SECOND)
USES = st.lists(st.tuples(GAPS, st.integers(1, 2 * MAX_ADDRESSES)), max_size=80)


def uses(steps: list[tuple[int, int]]) -> list[Use]:
    now, found = NOW, []
    for gap, address in steps:
        now += gap
        found.append(Use(now, f"192.0.2.{address}"))
    return found


def sampled(sampler: Sampler, made: list[Use], key_id: str = KEY_ID) -> list[Use]:
    """Those of ``made`` that were due, each of them then recorded."""
    due = []
    for use in made:
        if sampler.is_due(key_id, use):
            sampler.record(key_id, use)
            due.append(use)
    return due


@given(USES)
def test_a_minute_holds_one_of_an_address_and_few_in_all(steps: list[tuple[int, int]]) -> None:
    due = sampled(Sampler(), uses(steps))
    for first in due:
        minute = [use.ip for use in due if 0 <= use.at - first.at < INTERVAL]
        assert len(minute) <= MAX_ADDRESSES
        assert len(minute) == len(set(minute))


@given(USES)
def test_the_newest_is_less_than_a_minute_older_than_any_use(steps: list[tuple[int, int]]) -> None:
    made = uses(steps)
    due = sampled(Sampler(), made)
    for use in made:
        assert any(0 <= use.at - other.at < INTERVAL for other in due)


@given(USES)
def test_an_address_is_passed_over_only_if_it_or_too_many_others_were_just_remembered(
    steps: list[tuple[int, int]],
) -> None:
    made = uses(steps)
    due = sampled(Sampler(), made)
    for use in made:
        minute = {other.ip for other in due if 0 <= use.at - other.at < INTERVAL}
        assert use.ip in minute or len(minute) == MAX_ADDRESSES


def test_a_new_address_is_due_at_once_and_again_after_its_minute() -> None:
    made = [Use(NOW, HOME), Use(NOW, ELSEWHERE), Use(NOW + INTERVAL - 1, HOME), Use(NOW + INTERVAL, ELSEWHERE)]
    assert sampled(Sampler(), made) == [made[0], made[1], made[3]]


def test_what_was_not_recorded_stays_due() -> None:
    sampler = Sampler()
    assert sampler.is_due(KEY_ID, Use(NOW, HOME))
    assert sampler.is_due(KEY_ID, Use(NOW + 1, HOME))


def test_keys_do_not_use_up_each_others_minute() -> None:
    sampler, use = Sampler(), Use(NOW, HOME)
    assert sampled(sampler, [use, use]) == [use]
    assert sampled(sampler, [use], "another key") == [use]


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    made = [Use(NOW, HOME), Use(NOW - 3600 * SECOND, HOME)]
    assert sampled(Sampler(), made) == made


def test_only_so_many_keys_are_kept_and_the_one_sampled_longest_ago_is_forgotten() -> None:
    sampler = Sampler(max_keys=3)
    for number, key_id in enumerate("abcad"):
        sampler.record(key_id, Use(NOW + number, f"192.0.2.{number}"))
    assert len(sampler._sampled) == 3
    assert [sampler.is_due(key_id, Use(NOW + 9, "192.0.2.1")) for key_id in "acbd"] == [True] * 4
    assert not sampler.is_due("a", Use(NOW + 9, "192.0.2.0"))
    assert sampler.is_due("b", Use(NOW + 9, "192.0.2.1"))
    for number in range(100):
        sampler.is_due(f"key {number}", Use(NOW, HOME))
    assert len(sampler._sampled) == 3


def test_an_idle_keys_old_addresses_are_not_kept() -> None:
    sampler = Sampler()
    for number in range(100):
        sampler.record(KEY_ID, Use(NOW + number * INTERVAL, f"192.0.2.{number}"))
    assert sampler._sampled[KEY_ID] == {"192.0.2.99": NOW + 99 * INTERVAL}


def test_the_public_form() -> None:
    assert describe(Use(NOW, HOME)) == {"at": "2026-11-21T06:31:00.000Z", "ip": HOME}
