"""A profile as people read it."""

from base64 import b64decode

import pytest

from portcullis.domain import times
from portcullis.domain.detection.population import Population
from portcullis.domain.detection.profile import Episode, Profile
from portcullis.domain.detection.usual import describe_profile
from portcullis.domain.detection.watching import watch
from tests.unit.domain.builders import AGENT
from tests.unit.domain.detection.observed import ABROAD, DAY, HOUR, START, payment


def test_what_is_usual_is_told_in_dollars_hours_and_numbers() -> None:
    profile = Profile.new(b"saltsalt")
    first = START - START % DAY
    workdays = [
        payment(first - START + day * DAY + hour * HOUR, usd=20, ip=ABROAD if hour == 9 else "203.0.113.7")
        for day in range(10)
        for hour in range(9, 17)
    ]
    watch(profile, None, Population.new(), workdays, 1_000)
    described = describe_profile(AGENT, profile)

    assert described["hours"] == list(range(9, 17))
    assert (described["payments"], described["warm_up"]) == (80, False)
    assert float(described["amount"]["usual"]) == pytest.approx(20, abs=1)
    assert (
        float(described["amount"]["low"]) <= float(described["amount"]["usual"]) <= float(described["amount"]["high"])
    )
    assert float(described["per_hour"]) == pytest.approx(1 / 3, rel=0.2)
    assert (described["endpoints"], described["counterparties"]) == (1, 1)
    assert described["since"] == times.rfc3339(workdays[0].at)
    assert described["last_at"] == times.rfc3339(workdays[-1].at)
    assert len(described["addresses"]) == 2
    assert described["addresses"][0]["last_at"] == described["last_at"]


def test_an_address_is_not_told() -> None:
    profile = Profile.new(b"saltsalt")
    watch(profile, None, Population.new(), [payment(0)], 1_000)
    assert "203.0.113" not in str(describe_profile(AGENT, profile))


def test_nothing_learnt_is_said_and_divided_by_nothing() -> None:
    described = describe_profile(AGENT, None)
    assert (described["payments"], described["warm_up"], described["per_hour"]) == (0, True, "0.00")
    assert (described["amount"], described["since"], described["export"], described["hours"]) == (None, None, None, [])
    assert describe_profile(AGENT, Profile.new(b"saltsalt"))["export"] is not None


def test_the_export_is_the_packed_profile_and_the_open_finding_is_named() -> None:
    profile = Profile.new(b"saltsalt")
    profile.episode = Episode("fd_" + "1" * 22, 1)
    described = describe_profile(AGENT, profile)
    assert described["open_finding"] == "fd_" + "1" * 22
    assert Profile.unpack(b64decode(described["export"]["packed"])).pack() == profile.pack()
