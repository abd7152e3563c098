"""Events that come twice are seen once, however they come."""

from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain.detection.recent import BLOCK, BLOCKS, MAX_BYTES, SALT_BYTES, Recent
from portcullis.domain.times import SECOND

NOW = 1_795_242_660 * SECOND
REACH = BLOCK * (BLOCKS - 1)
SALT = bytes(range(SALT_BYTES))


def filled(number: int, salt: bytes = SALT) -> Recent:
    recent = Recent(salt)
    for index in range(number):
        recent.add(f"tx_{index}#1", NOW + index * SECOND)
    return recent


@given(number=st.integers(0, 400))
def test_what_is_in_reach_is_known_and_what_made_room_is_late(number: int) -> None:
    recent = filled(number)
    for index in range(number):
        known = f"tx_{index}#1" in recent
        assert known or recent.is_late(NOW + index * SECOND)
        assert known or index < number - REACH
    assert not recent.is_late(NOW + number * SECOND)


@given(number=st.integers(0, 300))
def test_packed_and_unpacked_it_knows_the_same(number: int) -> None:
    recent = filled(number)
    packed = recent.pack()
    again = Recent.unpack(packed)
    assert again.pack() == packed
    assert len(packed) <= MAX_BYTES
    for instance in (recent, again):
        instance.add("another#1", NOW + 500 * SECOND)
    assert again.pack() == recent.pack()
    assert "another#1" in again


def test_it_never_takes_more_than_its_bytes() -> None:
    assert max(len(filled(number).pack()) for number in range(300)) == MAX_BYTES


def test_nothing_is_late_before_anything_made_room() -> None:
    assert not filled(BLOCK * BLOCKS).is_late(0)


def test_late_is_what_is_not_newer_than_the_newest_that_made_room_however_they_came() -> None:
    recent = Recent(SALT)
    recent.add("newest#1", NOW + 50 * SECOND)
    for index in range(BLOCK * BLOCKS):
        recent.add(f"tx_{index}#1", NOW)
    assert "newest#1" not in recent
    assert recent.is_late(NOW + 50 * SECOND)
    assert not recent.is_late(NOW + 51 * SECOND)


def test_another_salt_gives_other_hashes() -> None:
    assert filled(3).pack()[SALT_BYTES:] != filled(3, b"\xff" * SALT_BYTES).pack()[SALT_BYTES:]
