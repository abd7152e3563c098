"""Instants: microseconds in, RFC 3339 out and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain import times

INSTANTS = st.integers(0, 253_402_300_799_999_999)


@given(INSTANTS)
def test_text_is_the_instant_cut_to_milliseconds(micros: int) -> None:
    assert times.parse_rfc3339(times.rfc3339(micros)) == micros // 1000 * 1000


def test_early_years_have_four_digits() -> None:
    assert times.rfc3339(times.parse_rfc3339("0423-10-30T11:21:46.842Z")) == "0423-10-30T11:21:46.842Z"


@given(INSTANTS, st.integers(-1439, 1439))
def test_any_offset_is_the_same_instant(micros: int, minutes: int) -> None:
    moment = datetime(1970, 1, 2, tzinfo=timezone(timedelta(minutes=minutes))) + timedelta(microseconds=micros // 2)
    utc = moment.astimezone(UTC)
    assert times.parse_rfc3339(moment.isoformat()) == times.parse_rfc3339(utc.isoformat())


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-21T06:31:00Z", 1_795_242_660_000_000),
        ("2026-11-21T06:31:00.000001Z", 1_795_242_660_000_001),
        ("2026-11-21T07:31:00+01:00", 1_795_242_660_000_000),
        ("2026-11-20T23:01:00.5-07:30", 1_795_242_660_500_000),
    ],
)
def test_known_instants(text: str, micros: int) -> None:
    assert times.parse_rfc3339(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-21",
        "2026-11-21T06:31:00",
        "2026-11-21T06:31Z",
        "20261121T063100Z",
        "2026-W47-6T06:31:00Z",
        "2026-11-21X06:31:00Z",
        "2026-11-21T06:31:00+01:00:30",
        "2026-11-21T06:31:00Z\n",
        "1795242660",
        "٢٠٢٦-11-21T06:31:00Z",
    ],
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected an instant with an offset, such as 2026-01-31T09:30:00Z"):
        times.parse_rfc3339(text)


@pytest.mark.parametrize("text", ["2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:01Z"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be in|out of range"):
        times.parse_rfc3339(text)


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_an_instant_that_could_not_be_written_back_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        times.parse_rfc3339(text)


def test_the_day_changes_at_midnight_utc() -> None:
    midnight = times.parse_rfc3339("2026-11-22T00:00:00Z")
    assert (times.utc_day(midnight - 1), times.utc_day(midnight)) == ("20261121", "20261122")
