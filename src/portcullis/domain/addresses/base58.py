"""Base58 and base58check, as in Bitcoin: big-endian digits, a leading ``1`` for each leading zero byte.

https://en.bitcoin.it/wiki/Base58Check_encoding, https://datatracker.ietf.org/doc/html/draft-msporny-base58-03
"""

import hashlib

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

_DIGITS = {digit: value for value, digit in enumerate(ALPHABET)}
_CHECKSUM_BYTES = 4


def decode(text: str, size: int) -> bytes:
    """The ``size`` bytes that ``text`` spells, or ValueError. Exactly one text spells given bytes."""
    # 1.38 > log(256) / log(58): a longer text is refused before its quadratic arithmetic begins.
    if len(text) > size * 138 // 100 + 1:
        raise ValueError("too many digits")
    number = 0
    for digit in text:
        if digit not in _DIGITS:
            raise ValueError("not a base58 digit")
        number = number * 58 + _DIGITS[digit]
    zeros = len(text) - len(text.lstrip("1"))
    if zeros + (number.bit_length() + 7) // 8 != size:
        raise ValueError("not the expected number of bytes")
    return number.to_bytes(size, "big")


def decode_check(text: str, size: int) -> bytes:
    """The ``size`` bytes, version included, before a right checksum: 4 bytes of SHA-256 of SHA-256."""
    data = decode(text, size + _CHECKSUM_BYTES)
    payload, checksum = data[:size], data[size:]
    if hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:_CHECKSUM_BYTES] != checksum:
        raise ValueError("the checksum does not match")
    return payload
