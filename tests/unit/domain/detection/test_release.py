"""What was released is no finding any more; what was not stays one."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from portcullis.domain.detection.findings import Finding
from portcullis.domain.detection.observations import Observation
from portcullis.domain.detection.population import Population
from portcullis.domain.detection.profile import Episode, Profile
from portcullis.domain.detection.release import teach
from portcullis.domain.detection.watching import watch
from tests.unit.domain.detection.observed import ABROAD, DAY, HOUR, call, payment

BUDGET = 1_000
LATER = 10 * DAY


def watched(profile: Profile, *observations: Observation) -> Finding | None:
    return watch(profile, None, Population.new(), observations, BUDGET).finding


def settled() -> Profile:
    """Of an agent that has paid about ten dollars an hour for ten days, from home."""
    profile = Profile.new(b"saltsalt")
    past: Sequence[Observation] = [payment(hour * HOUR, usd=9 + hour % 4) for hour in range(-240, 0)]
    assert watched(profile, *past) is None
    return profile


def unusual(second: int, usd: int = 9_000) -> Observation:
    return payment(second, usd, ip=ABROAD)


def found(profile: Profile) -> Finding:
    finding = watched(profile, unusual(0))
    assert finding is not None
    assert {"new_network", "unusual_payment"} <= {signal.name for signal in finding.signals}
    return finding


def test_what_was_released_is_unusual_no_more() -> None:
    profile = settled()
    teach(profile, found(profile))
    assert watched(profile, unusual(HOUR)) is None
    assert watched(profile, unusual(DAY)) is None


def test_what_nobody_released_stays_unusual() -> None:
    profile = settled()
    found(profile)
    again = watched(profile, unusual(2 * HOUR))
    assert again is not None
    assert "unusual_payment" in {signal.name for signal in again.signals}


def test_a_release_is_no_licence_for_everything() -> None:
    profile = settled()
    teach(profile, found(profile))
    assert watched(profile, unusual(HOUR, usd=900_000_000)) is not None


def test_the_usual_stays_usual() -> None:
    profile = settled()
    teach(profile, found(profile))
    assert watched(profile, *(payment((hour + 2) * HOUR) for hour in range(24))) is None


def test_requests_without_a_payment_teach_their_address_alone() -> None:
    profile = settled()
    finding = found(profile)
    lesson = replace(finding.lessons[0], usd=None, counterparty=None)
    before = profile.behaviour.mean
    teach(profile, replace(finding, lessons=(lesson,)))
    assert profile.behaviour.mean == pytest.approx(before)
    assert watched(profile, call(2 * HOUR, ip=ABROAD)) is None


def test_the_finding_is_not_joined_any_more_and_another_one_is() -> None:
    profile = settled()
    finding = found(profile)
    other = Episode("fd_" + "9" * 22, 1)
    teach(profile, finding)
    assert profile.episode is None
    profile.episode = other
    teach(profile, finding)
    assert profile.episode == other


def test_what_was_learnt_is_kept_in_the_packed_profile() -> None:
    profile = settled()
    teach(profile, found(profile))
    assert watched(Profile.unpack(profile.pack()), unusual(HOUR)) is None
