"""Tails against the closed form for whole degrees of freedom, in 1,500 digits."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain.detection.student import surprise


def exact(t: float, freedom: int) -> float:
    """-log10 P(T > t) for an even number of degrees of freedom: Abramowitz and Stegun 26.7.4."""
    with localcontext() as context:
        context.prec = 1500
        ratio = Decimal(t) / (Decimal(freedom) + Decimal(t) ** 2).sqrt()
        cosine = 1 - ratio * ratio
        term = total = Decimal(1)
        for k in range(1, freedom // 2):
            term *= cosine * (2 * k - 1) / (2 * k)
            total += term
        return float(-((1 - ratio * total) / 2).log10())


@pytest.mark.parametrize("freedom", [30, 32, 60, 230])
@pytest.mark.parametrize("t", [-6.0, -1.0, 0.0, 0.5, 2.0, 5.0, 12.0, 40.0, 300.0, 1e4])
def test_the_tail_is_exact_to_a_thousandth_of_itself(t: float, freedom: int) -> None:
    assert surprise(t, freedom) == pytest.approx(exact(t, freedom), rel=2e-3, abs=1e-6)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e3), st.integers(30, 230))
def test_a_larger_deviation_is_never_less_surprising(t: float, more: float, freedom: int) -> None:
    assert surprise(t, freedom) <= surprise(t + more, freedom) + 1e-12
