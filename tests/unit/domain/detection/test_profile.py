"""A profile is small, comes back as it was, and is not read by what does not know it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain.detection import conduct, places
from portcullis.domain.detection.behaviour import COUNTERPARTIES, ENDPOINTS, Behaviour, Pending
from portcullis.domain.detection.conduct import Conduct
from portcullis.domain.detection.places import Place, Places
from portcullis.domain.detection.profile import MAX_BYTES, VERSION, Episode, Profile, UnknownProfile
from portcullis.domain.detection.recent import BLOCK, BLOCKS, SALT_BYTES
from portcullis.domain.times import SECOND

NOW = 1_795_242_660 * SECOND
FINDING = "fd_" + "z" * 22


def largest() -> Profile:
    """All fields at their maximum."""
    profile = Profile.new(b"\xff" * SALT_BYTES)
    profile.behaviour = _largest_behaviour()
    many = [Place(2**32 - 1, number, "ZZ", 2**16 - 1, 1, 2**32 - 1, 4, 255) for number in range(places.SLOTS)]
    profile.conduct.places = Places(many)
    for number in range(BLOCK * BLOCKS * 2):
        profile.recent.add(f"tx_{number}#1", NOW)
    for _ in range(BLOCK - 1):
        profile.recent.add(f"tx_{_}#2", NOW)
    profile.episode = Episode(FINDING, NOW)
    return profile


def _largest_behaviour() -> Behaviour:
    behaviour = Behaviour.new()
    behaviour.endpoints = dict.fromkeys(range(ENDPOINTS), 2**16 - 1)
    behaviour.counterparties = list(range(COUNTERPARTIES))
    behaviour.pending = Pending(1, 1.0, 1.0, 1.0, 1.0)
    behaviour.hours = [2**16 - 1] * 24
    return behaviour


def test_the_largest_profile_is_smaller_than_two_kilobytes() -> None:
    item_overhead = len("pk" + "AGENT#ag_" + "a" * 22 + "profile" + "version") + 21
    assert len(largest().pack()) + item_overhead < MAX_BYTES


@pytest.mark.parametrize("profile", [Profile.new(bytes(SALT_BYTES)), largest()], ids=["new", "largest"])
def test_it_comes_back_as_it_was(profile: Profile) -> None:
    packed = profile.pack()
    again = Profile.unpack(packed)
    assert again.pack() == packed
    assert again.episode == profile.episode


@pytest.mark.parametrize("version", [0, VERSION + 1, 255])
def test_another_format_is_refused(version: int) -> None:
    packed = bytes([version]) + largest().pack()[1:]
    with pytest.raises(UnknownProfile, match=f"profile format {version:02x} is not known here"):
        Profile.unpack(packed)


def test_nothing_is_no_profile() -> None:
    with pytest.raises(UnknownProfile, match="profile format none"):
        Profile.unpack(b"")


@given(st.integers(1, 1_500))
def test_part_of_one_is_refused(length: int) -> None:
    with pytest.raises(UnknownProfile):
        Profile.unpack(largest().pack()[:length])


def test_what_is_forgotten_does_not_teach_again() -> None:
    profile = Profile.new(bytes(SALT_BYTES))
    profile.recent.add("tx_1#1", NOW)
    profile.episode = Episode(FINDING, NOW)
    forgotten = profile.forgotten()
    assert "tx_1#1" in forgotten.recent
    assert forgotten.episode is None
    assert forgotten.conduct == Conduct.new()
    assert conduct.SIZE <= 520
