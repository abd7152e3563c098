"""Segwit addresses of Bitcoin mainnet: Bech32 (BIP-173) for version 0, Bech32m (BIP-350) for 1 to 16.

    bc1  witness version, one digit  program, padded to whole digits  checksum, six digits

A digit is five bits. https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki and bip-0350.mediawiki
"""

from collections.abc import Iterable
from functools import reduce
from operator import xor

MAINNET_PREFIX = "bc1"
CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

_MAX_LENGTH = 90
_CHECKSUM_DIGITS = 6
_BECH32, _BECH32M = 1, 0x2BC830A3
_MAX_VERSION = 16
_PROGRAM_BYTES = range(2, 41)
_PROGRAM_BYTES_V0 = (20, 32)  # P2WPKH and P2WSH (BIP-141)

_VALUES = {digit: value for value, digit in enumerate(CHARSET)}
_HRP = (3, 3, 0, 2, 3)  # "bc" expanded: the high bits of each character, a zero, the low bits
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_FEEDBACK = [reduce(xor, (g for i, g in enumerate(_GENERATOR) if top >> i & 1), 0) for top in range(32)]


def decode_segwit(address: str) -> tuple[int, bytes]:
    """The witness version and program of a mainnet address, or ValueError."""
    values = _values(address)
    if len(values) <= _CHECKSUM_DIGITS:
        raise ValueError("no witness version")
    version, program = values[0], _to_bytes(values[1:-_CHECKSUM_DIGITS])
    if _residue(values) != (_BECH32M if version else _BECH32):
        raise ValueError("the checksum does not match")
    if version > _MAX_VERSION:
        raise ValueError("no such witness version")
    if len(program) not in (_PROGRAM_BYTES if version else _PROGRAM_BYTES_V0):
        raise ValueError("not a length of a witness program")
    return version, program


def _values(address: str) -> list[int]:
    """The digits after the prefix, the checksum's included. Mixed case is refused (BIP-173)."""
    lower = address.lower()
    if len(address) > _MAX_LENGTH or address not in (lower, address.upper()):
        raise ValueError("too long or of mixed case")
    if not lower.startswith(MAINNET_PREFIX):
        raise ValueError("not of mainnet")
    digits = lower.removeprefix(MAINNET_PREFIX)
    if not all(digit in _VALUES for digit in digits):
        raise ValueError("not a bech32 digit")
    return [_VALUES[digit] for digit in digits]


def _residue(values: Iterable[int]) -> int:
    """The remainder of the BCH code over the prefix and ``values``: the constant of the encoding used."""
    remainder = 1
    for value in (*_HRP, *values):
        remainder = (remainder & 0x1FFFFFF) << 5 ^ value ^ _FEEDBACK[remainder >> 25]
    return remainder


def _to_bytes(values: list[int]) -> bytes:
    """Five-bit digits as bytes. What remains at the end is at most four bits, all zero."""
    number = 0
    for value in values:
        number = number << 5 | value
    size, padding = divmod(5 * len(values), 8)
    if padding > 4 or number & (1 << padding) - 1:
        raise ValueError("wrong padding")
    return (number >> padding).to_bytes(size, "big")
