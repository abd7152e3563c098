"""Money: exact, rounded up, one spelling."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain import money

WHOLE = st.integers(0, 10**30 - 1).map(str)
DECIMALS = st.one_of(
    WHOLE,
    st.builds("{}.{}".format, WHOLE, st.text("0123456789", min_size=1, max_size=18)),
    st.just("0.000000000000000001"),
)
POSITIVE = DECIMALS.filter(lambda text: Decimal(text) > 0)
MICRO_USD = st.integers(0, money.MAX_MICRO_USD)


@given(POSITIVE, POSITIVE)
def test_value_is_exact_and_rounded_up(amount: str, price: str) -> None:
    micro = money.to_micro_usd(Decimal(amount), Decimal(price))
    assert micro == math.ceil(Fraction(amount) * Fraction(price) * 10**6)


@pytest.mark.parametrize(
    ("amount", "price", "micro"),
    [
        ("12.5", "1", 12_500_000),
        ("0.000000000000000001", "0.000000000000000001", 1),
        ("0.000001", "1", 1),
        ("0.0000010001", "1", 2),
        ("3", "0.3333333", 1_000_000),
        ("9" * 30 + "." + "9" * 18, "1", 10**36),
    ],
)
def test_known_values(amount: str, price: str, micro: int) -> None:
    assert money.to_micro_usd(Decimal(amount), Decimal(price)) == micro


@given(POSITIVE, POSITIVE, POSITIVE)
def test_splitting_an_amount_never_makes_it_cheaper(one: str, other: str, price: str) -> None:
    whole = Fraction(one) + Fraction(other)
    parts = money.to_micro_usd(Decimal(one), Decimal(price)) + money.to_micro_usd(Decimal(other), Decimal(price))
    assert parts >= whole * Fraction(price) * 10**6


@given(POSITIVE)
def test_the_canonical_form_is_the_same_number_and_idempotent(text: str) -> None:
    canonical = money.canonical_decimal(text)

    assert Fraction(canonical) == Fraction(text)
    assert money.canonical_decimal(canonical) == canonical
    assert canonical == canonical.rstrip(".")
    assert "." not in canonical or not canonical.endswith("0")


@given(POSITIVE, POSITIVE)
def test_equal_amounts_have_one_canonical_form(one: str, other: str) -> None:
    same = money.canonical_decimal(one) == money.canonical_decimal(other)
    assert same == (Fraction(one) == Fraction(other))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("12.50", "12.5"), ("12.0", "12"), ("100", "100"), ("0.10", "0.1"), ("1" + "0" * 29, "1" + "0" * 29)],
)
def test_canonical_forms(text: str, canonical: str) -> None:
    assert money.canonical_decimal(text) == canonical


NOT_DECIMAL = [
    "",
    " ",
    "1 ",
    "-1",
    "+1",
    "01",
    "00",
    ".5",
    "1.",
    "1,5",
    "1e3",
    "1E3",
    "0x1",
    "NaN",
    "Infinity",
    "1_000",
    "1\n",
    "٣",
]


@pytest.mark.parametrize("text", [*NOT_DECIMAL, "1" * 31, "0." + "1" * 19])
def test_what_is_not_a_plain_decimal_is_refused(text: str) -> None:
    for parse in (money.parse_decimal, money.parse_positive, money.canonical_decimal, money.parse_usd):
        with pytest.raises(money.InvalidAmount, match="expected a decimal string"):
            parse(text)


@pytest.mark.parametrize("text", ["0", "0.0", "0.000000000000000000"])
def test_zero_is_a_decimal_but_no_amount(text: str) -> None:
    assert money.parse_decimal(text) == 0
    with pytest.raises(money.InvalidAmount, match="greater than zero"):
        money.parse_positive(text)
    with pytest.raises(money.InvalidAmount, match="greater than zero"):
        money.canonical_decimal(text)


@given(MICRO_USD)
def test_dollars_round_trip(micro: int) -> None:
    assert money.parse_usd(money.format_usd(micro)) == micro


@pytest.mark.parametrize(
    ("micro", "text"),
    [(0, "0.00"), (1, "0.000001"), (12_500_000, "12.50"), (1_000_000, "1.00"), (10**36, "1" + "0" * 30 + ".00")],
)
def test_dollars_are_written_with_cents(micro: int, text: str) -> None:
    assert money.format_usd(micro) == text


def test_dollars_end_at_a_billion() -> None:
    assert money.parse_usd("1000000000.00") == money.MAX_MICRO_USD
    with pytest.raises(money.InvalidAmount, match="at most 1000000000 dollars"):
        money.parse_usd("1000000000.000001")


@pytest.mark.parametrize("text", ["0.0000001", "1.1234567"])
def test_a_limit_is_not_rounded(text: str) -> None:
    with pytest.raises(money.InvalidAmount, match="at most six decimal places"):
        money.parse_usd(text)


def test_zeros_beyond_six_places_are_no_precision() -> None:
    assert money.parse_usd("1.1234560000") == 1_123_456
