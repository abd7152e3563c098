"""Classes of keys: when each is due, and settings that say nothing sensible are refused."""

import pytest

from portcullis.domain.key_classes import CLASSES, Rotation, parse_rotation
from portcullis.domain.times import DAY, HOUR
from tests.unit.domain import builders

DAYS = "development=30 staging=7 production=30 high_value=7"


def test_settings_are_parsed() -> None:
    expected = Rotation({"development": 30, "staging": 7, "production": 30, "high_value": 7}, 24 * HOUR, "staging")
    assert parse_rotation(DAYS, "24", "staging") == expected


@pytest.mark.parametrize(
    ("days", "key_class"),
    [
        (DAYS.removesuffix(" high_value=7"), "production"),
        (f"{DAYS} other=1", "production"),
        (DAYS.replace("=30", "=0"), "production"),
        (DAYS, "other"),
        ("", "production"),
    ],
)
def test_a_class_without_days_or_unknown_is_refused(days: str, key_class: str) -> None:
    with pytest.raises(ValueError, match="days"):
        parse_rotation(days, "24", key_class)


def test_a_key_is_due_by_its_class() -> None:
    rotation = parse_rotation(DAYS, "24", "production")
    due = {each: rotation.rotate_by(each, builders.NOW) - builders.NOW for each in CLASSES}
    assert due == {"development": 30 * DAY, "staging": 7 * DAY, "production": 30 * DAY, "high_value": 7 * DAY}


def test_no_schedule_rotates_what_people_rotate() -> None:
    rotation = parse_rotation(DAYS, "24", "production")
    rates = {each: rotation.rate(each) for each in CLASSES}
    assert rates == {
        "development": None,
        "staging": "rate(7 days)",
        "production": "rate(30 days)",
        "high_value": "rate(7 days)",
    }
