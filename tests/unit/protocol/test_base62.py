"""Base62: fixed width, big-endian, order kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.protocol import base62


def value(text: str) -> int:
    number = 0
    for digit in text:
        number = number * 62 + base62.ALPHABET.index(digit)
    return number


def test_the_alphabet_is_in_ascii_order() -> None:
    assert list(base62.ALPHABET) == sorted(set(base62.ALPHABET))
    assert len(base62.ALPHABET) == 62


@pytest.mark.parametrize(("number", "text"), [(0, "000"), (61, "00z"), (62, "010"), (62**3 - 1, "zzz")])
def test_known_numbers(number: int, text: str) -> None:
    assert base62.encode(number, 3) == text


@given(st.integers(0, 62**43 - 1))
def test_the_digits_spell_the_number_in_the_width(number: int) -> None:
    text = base62.encode(number, 43)
    assert (len(text), value(text)) == (43, number)


def test_a_number_beyond_the_width_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        base62.encode(62**3, 3)


def test_43_digits_hold_256_bits() -> None:
    assert value(base62.encode(2**256 - 1, 43)) == 2**256 - 1


@given(st.binary(max_size=64), st.integers(1, 30))
def test_bytes_are_reduced_to_the_width(data: bytes, width: int) -> None:
    assert value(base62.from_bytes(data, width)) == int.from_bytes(data, "big") % 62**width
