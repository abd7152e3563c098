"""The state of the rules: fixed in size, packed without loss, at ease with what comes late."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portcullis.domain.detection.conduct import SIZE, Conduct, UnknownVersion, learn, release
from portcullis.domain.detection.findings import Lesson
from portcullis.domain.detection.observations import Observation
from portcullis.domain.detection.places import SLOTS
from tests.unit.domain.detection.observed import ABROAD, DAY, START, call, names, payment, settled

ADDRESSES = st.one_of(st.ip_addresses().map(str), st.sampled_from(["203.0.113.7", "::ffff:203.0.113.7", "nowhere"]))
CALLS = st.builds(
    call,
    st.integers(0, 30 * DAY),
    ip=ADDRESSES,
    country=st.sampled_from([None, "DE", "US", "Ünited", "de"]),
    key=st.text(max_size=40),
    count=st.integers(1, 10**6),
    outcome=st.sampled_from(["accepted", "failed", "limited"]),
)
PAYMENTS = st.builds(
    payment,
    st.integers(0, 30 * DAY),
    st.integers(0, 10**15),
    ip=ADDRESSES,
    outcome=st.sampled_from(["accepted", "denied"]),
    content=st.sampled_from(["one", "two"]),
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.one_of(CALLS, PAYMENTS), st.booleans()), max_size=60))
def test_it_is_packed_without_loss_in_a_fixed_size(learnt: list[tuple[Observation, bool]]) -> None:
    conduct = Conduct.new()
    for observation, flagged in learnt:
        names(conduct, observation)
        learn(conduct, observation, flagged)
    packed = conduct.pack()
    assert len(packed) == SIZE <= 520
    assert Conduct.unpack(packed) == conduct
    assert len(conduct.places.places) <= SLOTS


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_within_the_windows_does_not_matter_for_what_they_count(order: random.Random) -> None:
    observations = [payment(second, outcome="denied" if second % 3 else "accepted") for second in range(0, 240, 7)]
    conducts = []
    for arrived in (observations, order.sample(observations, len(observations))):
        conducts.append(settled())
        for observation in arrived:
            learn(conducts[-1], observation, flagged=False)
    first, second = conducts
    assert (first.calls, first.asked, first.places) == (second.calls, second.asked, second.places)


def test_what_has_left_its_window_is_not_counted() -> None:
    conduct = settled()
    learn(conduct, call(3_600), flagged=False)
    windows = conduct.pack()
    for late in (payment(-60), call(-60, count=9, outcome="failed", problem="not_found")):
        assert names(conduct, late) == set()
        learn(conduct, late, flagged=False)
    assert conduct.calls == Conduct.unpack(windows).calls
    assert conduct.asked == Conduct.unpack(windows).asked


def test_an_address_that_is_pushed_out_is_one_that_is_not_known() -> None:
    conduct = settled()
    for network in range(200):
        learn(conduct, call(network, ip=f"198.18.{network}.1"), flagged=True)
    assert names(conduct, call(300)) == set()


def test_one_hour_teaches_no_more_than_three_times_the_own_rate() -> None:
    conduct = settled()
    for hour in range(12):
        learn(conduct, payment(hour * 3_600, 1), flagged=False)
    for minute in range(1_000):
        learn(conduct, payment(12 * 3_600 + minute, 1_000), flagged=False)
    learn(conduct, payment(13 * 3_600, 1), flagged=False)
    assert conduct.payments.mean <= 256 * (1 + 2 / 12) + 1
    assert conduct.cents.mean <= 100 * 256 * (1 + 2 / 12) + 1


def test_a_release_makes_the_addresses_known() -> None:
    conduct = settled()
    learn(conduct, call(0, ip=ABROAD), flagged=True)
    at = (START + 0) * 1_000_000
    release(conduct, [Lesson(at, 1, "x", None, ip, None) for ip in (ABROAD, "2001:db8::1")])
    assert names(conduct, call(1, ip=ABROAD), alarmed=True) == set()
    assert names(conduct, call(1, ip="2001:db8::2"), alarmed=True) == set()


@pytest.mark.parametrize("data", [b"", bytes(SIZE), b"\2" + bytes(SIZE - 1), b"\1" + bytes(SIZE)])
def test_a_state_of_another_version_is_not_read(data: bytes) -> None:
    with pytest.raises(UnknownVersion, match="version 1"):
        Conduct.unpack(data)
