"""How grave an improbable payment is."""

import pytest

from portcullis.domain.detection.alarms import severity

DOLLAR = 1_000_000


@pytest.mark.parametrize(
    ("strength", "dollars", "expected"),
    [
        (3.4, 500, 4),
        (4, 500, 5),
        (5, 500, 6),
        (6, 500, 7),
        (12, 500, 7),
        (12, 9_999, 7),
        (7.9, 10_000, 7),
        (8, 10_000, 8),
        (12, 99, 6),
        (12, 9, 4),
        (4, 99, 5),
    ],
)
def test_severity_follows_from_p_and_the_amount(strength: float, dollars: int, expected: int) -> None:
    assert severity(strength, dollars * DOLLAR) == expected
