"""Base62 with the alphabet 0-9 A-Z a-z, big-endian, padded with ``0`` to a fixed width."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def encode(number: int, width: int) -> str:
    """``number`` in exactly ``width`` digits; ValueError when it does not fit."""
    digits = ""
    for _ in range(width):
        number, remainder = divmod(number, 62)
        digits = ALPHABET[remainder] + digits
    if number:
        raise ValueError("number does not fit the width")
    return digits


def from_bytes(data: bytes, width: int) -> str:
    """The first ``width`` digits' worth of ``data``, reduced so that every digit is uniform enough to be random."""
    return encode(int.from_bytes(data, "big") % 62**width, width)
