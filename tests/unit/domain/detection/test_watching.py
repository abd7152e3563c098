"""A batch is judged the same in any order, each request once, and what is unusual does not become usual."""

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portcullis.domain.detection.calibration import parse_budget
from portcullis.domain.detection.findings import Finding
from portcullis.domain.detection.observations import Observation, Payment
from portcullis.domain.detection.profile import Profile
from portcullis.domain.detection.recent import BLOCK, BLOCKS, SALT_BYTES
from portcullis.domain.detection.watching import Watched, watch
from tests.unit.domain.detection.fleets import taught
from tests.unit.domain.detection.observed import HOUR, call, payment

BUDGET = 1_000
HISTORY = [payment(HOUR * place, 8 + place * 7 % 5) for place in range(60)]
"""About ten dollars, every hour."""


@cache
def settled() -> bytes:
    profile = Profile.new(bytes(SALT_BYTES))
    watch(profile, None, taught(), HISTORY, BUDGET)
    return profile.pack()


def judged(*observations: Observation) -> tuple[Profile, Watched]:
    profile = Profile.unpack(settled())
    return profile, watch(profile, None, taught(), observations, BUDGET)


def names(finding: Finding | None) -> set[str]:
    return {signal.name for signal in finding.signals} if finding else set()


def test_a_theft_is_a_finding_in_words_and_becomes_no_habit() -> None:
    profile, watched = judged(payment(61 * HOUR, 50_000, ip="198.51.100.9"))
    assert watched.finding is not None
    assert "unusual_payment" in names(watched.finding)
    assert "this $50000.00)" in watched.finding.signals[0].detail
    assert profile.behaviour.mean == pytest.approx(Profile.unpack(settled()).behaviour.mean)
    assert watched.addresses == {}
    assert profile.episode is not None
    assert profile.episode.finding == watched.finding.id


def test_what_is_usual_is_no_finding_and_is_learnt() -> None:
    profile, watched = judged(payment(61 * HOUR, 11), call(61 * HOUR + 5))
    assert (watched.finding, watched.judged, watched.learnt, watched.late) == (None, 2, 1, 0)
    assert profile.behaviour.seen == len(HISTORY) + 1
    assert watched.delta.noted[0] == 1
    assert list(watched.addresses) == ["203.0.113.7"]


@settings(max_examples=25)
@given(st.randoms(), st.lists(st.integers(0, 19), max_size=20))
def test_order_and_repetition_within_a_batch_change_nothing(dice: random.Random, again: list[int]) -> None:
    batch = [payment((61 + place) * HOUR, 9 + place % 4, id=f"tx_{place}#1", content=str(place)) for place in range(20)]
    batch[7] = payment(68 * HOUR, 60_000, id="tx_7#1", content="7")
    mixed = [*batch, *(batch[place] for place in again)]
    dice.shuffle(mixed)
    straight, first = judged(*batch)
    other, second = judged(*mixed)
    assert other.pack() == straight.pack()
    assert second.finding == first.finding
    assert second.delta.pack() == first.delta.pack()
    assert second.judged == len(batch)


def test_the_same_batch_again_changes_nothing() -> None:
    batch = [payment(61 * HOUR, 50_000), payment(62 * HOUR, 10)]
    profile, watched = judged(*batch)
    before = profile.pack()
    again = watch(profile, watched.finding, taught(), batch, BUDGET)
    assert (again.judged, again.finding, again.learnt) == (0, None, 0)
    assert profile.pack() == before


def test_what_is_late_is_scored_and_teaches_nothing() -> None:
    newer = [call(70 * HOUR + place) for place in range(BLOCK * (BLOCKS + 1))]
    profile, _ = judged(*newer)
    behaviour, conduct = profile.behaviour.pack(), profile.conduct.pack()
    watched = watch(profile, None, taught(), [payment(69 * HOUR, 10), payment(69 * HOUR, 50_000)], BUDGET)
    assert (watched.judged, watched.late, watched.learnt) == (2, 2, 0)
    assert (profile.behaviour.pack(), profile.conduct.pack()) == (behaviour, conduct)
    assert names(watched.finding) == {"unusual_payment"}


def test_a_payment_without_a_price_is_held_against_the_rules_alone() -> None:
    asked = Payment(None, "base somebody", "content")
    unpriced = call(61 * HOUR, payment=asked, outcome="denied", rules=("token_not_allowlisted", "token_unpriced"))
    profile, watched = judged(unpriced)
    assert names(watched.finding) == {"destination_outside"}
    assert profile.behaviour.seen == len(HISTORY)


@pytest.mark.parametrize(("text", "budget"), [("1.0", 1_000), ("0.001", 1), ("100", 100_000), ("2.25", 2_250)])
def test_a_budget_is_a_plain_decimal(text: str, budget: int) -> None:
    assert parse_budget(text) == budget


@pytest.mark.parametrize(
    "text", ["", "0", "0.000", "1.0000", "100.001", "1e3", "-1", "01", "1,5", "\u0661", " 1", "nan"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a decimal from 0\.001 to 100"):
        parse_budget(text)
