"""Money as integers of micro-USD (one millionth of a dollar). Amounts of tokens are decimals, never floats."""

import re
from decimal import ROUND_CEILING, Decimal, localcontext

MICRO = Decimal(1_000_000)
MAX_MICRO_USD = 10**15
MAX_VALUE = 10**18
"""A trillion dollars: what is worth more is taken for this. No limit is as high, and a stored number has 38 digits."""
DECIMAL_PATTERN = r"(0|[1-9][0-9]{0,29})(\.[0-9]{1,18})?"
POSITIVE_SCHEMA = {"pattern": f"^(?![0.]+$){DECIMAL_PATTERN}$"}
USD_SCHEMA = {"pattern": r"^((0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?|1000000000(\.0{1,6})?)$"}
_DECIMAL = re.compile(DECIMAL_PATTERN, re.ASCII)


class InvalidAmount(ValueError):
    """The text is not a plain positive decimal in range; the message says what is expected."""


def parse_decimal(text: str) -> Decimal:
    """A plain decimal: at most 30 digits, 18 decimal places, no sign, exponent or leading zero."""
    if not _DECIMAL.fullmatch(text):
        raise InvalidAmount('expected a decimal string such as "12.50", without sign, exponent or spaces')
    return Decimal(text)


def parse_positive(text: str) -> Decimal:
    """As parse_decimal, and greater than zero."""
    value = parse_decimal(text)
    if value <= 0:
        raise InvalidAmount("expected an amount greater than zero")
    return value


def canonical_decimal(text: str) -> str:
    """The one spelling of an amount: no trailing zeros, so that 12.50 and 12.5 are the same content."""
    value = parse_positive(text)
    return f"{value:f}".rstrip("0").rstrip(".") if "." in text else f"{value:f}"


def to_micro_usd(amount: Decimal, usd_price: Decimal) -> int:
    """The value of ``amount`` tokens at ``usd_price`` dollars each, in micro-USD, rounded up."""
    with localcontext() as context:
        context.prec = 100
        return int((amount * usd_price * MICRO).to_integral_value(rounding=ROUND_CEILING))


def parse_usd(text: str) -> int:
    """A dollar amount in micro-USD; refused beyond six decimal places or a billion dollars."""
    value = parse_decimal(text)
    micro = to_micro_usd(value, Decimal(1))
    if Decimal(micro) != value * MICRO:
        raise InvalidAmount("expected at most six decimal places of a dollar")
    if micro > MAX_MICRO_USD:
        raise InvalidAmount("expected at most 1000000000 dollars")
    return micro


def format_usd(micro: int) -> str:
    """Dollars with at least two decimal places: 12500000 is ``12.50``, 1 is ``0.000001``."""
    whole, fraction = divmod(micro, 1_000_000)
    digits = f"{fraction:06d}".rstrip("0").ljust(2, "0")
    return f"{whole}.{digits}"
