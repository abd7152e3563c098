"""What is stored: small, the same after a round trip, and merged in any order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portcullis.domain.detection import joint
from portcullis.domain.detection.behaviour import Behaviour
from portcullis.domain.detection.joint import Point
from portcullis.domain.detection.population import HALF_LIFE, Population
from tests.unit.domain.detection.fleet import AGENTS, HOUR, trained

HASH = st.integers(0, 2**32 - 1)
POINTS = st.builds(Point, st.integers(1, 2**51), st.floats(0, 1e15), HASH, HASH)


def taught(points: list[Point]) -> tuple[Behaviour, Population]:
    behaviour, delta = Behaviour.new(), Population.new()
    for point in points:
        surprise = joint.score(behaviour, delta, point)
        joint.learn(behaviour, delta, point, surprise, joint.flagged(surprise))
    return behaviour, delta


@given(st.lists(POINTS, max_size=20))
@settings(max_examples=60)
def test_a_behaviour_survives_storage(points: list[Point]) -> None:
    packed = taught(points)[0].pack()
    assert Behaviour.unpack(packed).pack() == packed


def test_the_largest_behaviour_is_under_a_thousand_bytes() -> None:
    many = [Point(number * HOUR, 10.0, number, number) for number in range(1, 2000)]
    behaviour = taught(many)[0]
    assert len(behaviour.endpoints) == len(behaviour.counterparties) == 64
    assert len(behaviour.pack()) <= 1000


def test_a_stored_behaviour_judges_as_the_one_in_memory() -> None:
    fleet = trained()
    point = Point(fleet.now, 100.0, 1, 1)
    for agent in range(AGENTS):
        stored = joint.score(fleet.behaviour(agent), Population.unpack(fleet.population.pack()), point)
        assert stored[:10] == pytest.approx(
            joint.score(fleet.behaviours[agent], fleet.population, point)[:10], abs=1e-3
        )


@pytest.mark.parametrize("state", [Behaviour, Population])
def test_another_version_is_refused(state: type[Behaviour] | type[Population]) -> None:
    packed = b"\xff" + state.new().pack()[1:]
    with pytest.raises(ValueError, match="of version 255, expected 1"):
        state.unpack(packed)


def test_a_truncated_population_is_refused() -> None:
    with pytest.raises(ValueError, match="not what its head says"):
        Population.unpack(Population.new().pack()[:-8])


def test_a_population_survives_storage_and_stays_small() -> None:
    fleet = trained()
    packed = fleet.population.pack()
    assert Population.unpack(packed).pack() == packed
    many = taught([Point(number * HOUR, 10.0, number, number) for number in range(1, 200)])[1]
    assert len(many.pack()) < 17_000
    assert len(Population.unpack(many.pack()).endpoints) == 16


@given(st.lists(st.lists(POINTS, max_size=5), min_size=3, max_size=3), st.permutations(range(3)))
@settings(max_examples=40)
def test_merges_come_in_any_order(batches: list[list[Point]], order: list[int]) -> None:
    merged = [Population.new(), Population.new()]
    for left, right in zip(range(3), order, strict=True):
        merged[0].merge(taught(batches[left])[1])
        merged[1].merge(taught(batches[right])[1])
    first, second = merged
    assert first.at == second.at
    assert first.hours == pytest.approx(second.hours)
    assert first.moments == pytest.approx(second.moments)
    assert first.events.bins == pytest.approx(second.events.bins)
    assert first.endpoints.keys() == second.endpoints.keys()


def test_what_is_old_fades() -> None:
    old, new = taught([Point(HOUR, 10.0, 1, 1)])[1], taught([Point(HOUR + HALF_LIFE, 10.0, 2, 1)])[1]
    old.merge(new)
    assert old.events.total() == pytest.approx(1.5)
    assert old.endpoints[1].total() == pytest.approx(0.5)
