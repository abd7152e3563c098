"""From signals to a severity, and from that to what is done."""

import pytest

from portcullis.domain.detection.signals import Signal, action_of, severity_of


def signals(*severities: int) -> tuple[Signal, ...]:
    return tuple(Signal(f"s{place}", "", severity, "1", "1") for place, severity in enumerate(severities))


@pytest.mark.parametrize(
    ("severities", "expected"),
    [((), 0), ((4,), 4), ((4, 2), 4), ((4, 3), 5), ((3, 6, 3), 8), ((10, 9, 9), 10), ((2, 2, 2), 2)],
)
def test_a_severity_is_that_of_the_gravest_raised_by_others_of_weight(
    severities: tuple[int, ...], expected: int
) -> None:
    assert severity_of(signals(*severities)) == expected


@pytest.mark.parametrize(
    ("severity", "action"),
    [(0, "record"), (4, "record"), (5, "notify"), (7, "notify"), (8, "contain"), (10, "contain")],
)
def test_the_severity_says_what_is_done(severity: int, action: str) -> None:
    assert action_of(severity) == action
