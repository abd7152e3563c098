"""The cache: ages out, stays bounded."""

import pytest

from portcullis.aws.cache import TtlCache


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> TtlCache[str]:
    cache: TtlCache[str] = TtlCache(3, 15, clock)
    cache.put("a", "1")
    return cache


def test_an_entry_is_kept(cache: TtlCache[str]) -> None:
    assert cache.get("a") == "1"
    assert cache.get("b") is None


def test_an_entry_ages_out_at_its_time(cache: TtlCache[str], clock: Clock) -> None:
    clock.now += 14.999
    assert cache.get("a") == "1"
    clock.now += 0.001
    assert cache.get("a") is None


def test_reading_does_not_make_it_younger(cache: TtlCache[str], clock: Clock) -> None:
    for _ in range(15):
        clock.now += 1
        found = cache.get("a")
    assert found is None


def test_putting_again_does(cache: TtlCache[str], clock: Clock) -> None:
    clock.now += 10
    cache.put("a", "2")
    clock.now += 10
    assert cache.get("a") == "2"


def test_amending_does_not(cache: TtlCache[str], clock: Clock) -> None:
    clock.now += 10
    cache.amend("a", "2")
    assert cache.get("a") == "2"
    clock.now += 5
    assert cache.get("a") is None


def test_what_is_not_kept_is_not_amended(cache: TtlCache[str]) -> None:
    cache.amend("b", "2")
    assert cache.get("b") is None


def test_the_oldest_goes_first(cache: TtlCache[str]) -> None:
    for name in "bcd":
        cache.put(name, name)
    assert [cache.get(name) for name in "abcd"] == [None, "b", "c", "d"]


def test_what_was_put_again_is_not_the_oldest(cache: TtlCache[str]) -> None:
    for name in "bcad":
        cache.put(name, name)
    assert [cache.get(name) for name in "abcd"] == ["a", None, "c", "d"]


def test_putting_again_pushes_nothing_out(cache: TtlCache[str]) -> None:
    for name in "bcb":
        cache.put(name, name)
    assert [cache.get(name) for name in "abc"] == ["1", "b", "c"]


def test_it_never_holds_more_than_its_size(cache: TtlCache[str]) -> None:
    for number in range(1000):
        cache.put(str(number), "x")
    assert len(cache._entries) == 3


def test_what_is_dropped_is_gone(cache: TtlCache[str]) -> None:
    cache.drop("a")
    cache.drop("never there")
    assert cache.get("a") is None
