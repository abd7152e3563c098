"""Windows: which period an instant falls in, and when a window may be forgotten."""

import pytest

from portcullis.domain import times, windows

DAY = times.DAY


def at(text: str) -> int:
    return times.parse_rfc3339(text)


@pytest.mark.parametrize(
    ("moment", "names"),
    [
        ("2026-11-21T06:31:00Z", ["d20261121", "w202647", "m202611", "h2026112106", "x2026112106"]),
        ("2026-12-31T23:59:59.999999Z", ["d20261231", "w202653", "m202612", "h2026123123", "x2026123123"]),
        ("2027-01-01T00:00:00Z", ["d20270101", "w202653", "m202701", "h2027010100", "x2027010100"]),
        ("2027-01-04T00:00:00Z", ["d20270104", "w202701", "m202701", "h2027010400", "x2027010400"]),
        ("2024-12-30T00:00:00Z", ["d20241230", "w202501", "m202412", "h2024123000", "x2024123000"]),
        ("2028-02-29T12:00:00Z", ["d20280229", "w202809", "m202802", "h2028022912", "x2028022912"]),
    ],
)
def test_periods_are_utc_and_weeks_are_iso(moment: str, names: list[str]) -> None:
    assert [windows.name(kind, at(moment)) for kind in "dwmhx"] == names
    assert all(windows.NAME.fullmatch(name) for name in names)


def test_a_part_has_a_window_of_its_own_each_day() -> None:
    now = at("2026-11-21T06:31:00Z")
    parts = [windows.part(now, layer, name) for layer in "tmc" for name in ("USDC", "ETH")]
    assert len({*parts, windows.part(now + DAY, "t", "USDC")}) == 7
    assert all(windows.NAME.fullmatch(part) and part.startswith("d20261121") for part in parts)
    assert windows.part(now, "t", "USDC") == windows.part(now + 1, "t", "USDC")


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        *[("d", f"{day}T00:00:00Z") for day in ("2026-11-21", "2027-01-01", "2028-03-01")],
        *[("w", f"{monday}T00:00:00Z") for monday in ("2026-11-16", "2027-01-04", "2024-12-30")],
        *[("m", f"2026-{month:02}-01T00:00:00Z") for month in range(1, 13)],
        ("m", "2028-03-01T00:00:00Z"),
        *[(kind, f"{hour}:00:00Z") for kind in "hx" for hour in ("2026-11-21T06", "2027-01-01T00")],
    ],
)
def test_a_late_commit_still_finds_the_window_it_was_decided_on(kind: str, start: str) -> None:
    midnight = at(start)
    late = windows.name(kind, midnight - 1)
    assert not windows.is_over(late, midnight)
    assert not windows.is_over(late, midnight + 30 * times.SECOND)
    assert not windows.is_over(windows.name(kind, midnight), midnight)


@pytest.mark.parametrize(
    ("kind", "length"), [("d", DAY), ("w", 7 * DAY), ("m", 31 * DAY), ("h", times.HOUR), ("x", times.HOUR)]
)
def test_no_window_stays_for_long(kind: str, length: int) -> None:
    now = at("2027-01-01T00:00:00Z")
    ended = windows.name(kind, now - 2 * length - 1)
    assert windows.is_over(ended, now)


def test_a_parts_window_ends_with_its_day() -> None:
    now = at("2026-11-21T00:00:00Z")
    part = windows.part(now, "m", "bookshop")
    assert not windows.is_over(part, now + 2 * DAY - 1)
    assert windows.is_over(part, now + 2 * DAY)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[(name, True) for name in ("d20261121", "d20261121tABCDEF", "w202647", "m202611")],
        *[(name, False) for name in ("h2026112106", "x2026112106")],
    ],
)
def test_only_money_is_released(name: str, expected: bool) -> None:
    assert windows.is_money(name) is expected


@pytest.mark.parametrize(
    "name", ["d2026112", "d20261121T123456", "d20261121t12345", "w2026", "h20261121", "y202611", "d2026112\u0661"]
)
def test_nothing_else_is_a_window(name: str) -> None:
    assert not windows.NAME.fullmatch(name)
