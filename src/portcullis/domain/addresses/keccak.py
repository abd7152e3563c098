"""Keccak-256, the hash of Ethereum: the Keccak of the SHA-3 competition, before FIPS 202 changed its padding.

FIPS 202 (https://doi.org/10.6028/NIST.FIPS.202) defines the permutation and the sponge. SHA3-256 puts the bits
01 between message and padding, Keccak-256 does not; ``hashlib`` offers only the former. The steps are unrolled
over local variables because a policy holds up to 10,000 addresses, each perhaps with a checksum (EIP-55).
"""

import struct

_RATE = 136
_KECCAK_SUFFIX = 0x01
_MASK = (1 << 64) - 1
_BLOCK = struct.Struct(f"<{_RATE // 8}Q")
_DIGEST = struct.Struct("<4Q")

_ROUND_CONSTANTS = (
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
    0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
    0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
)  # fmt: skip


def keccak_256(data: bytes) -> bytes:
    """The 32-byte Keccak-256 digest of ``data``."""
    return _sponge(data, _KECCAK_SUFFIX)


def _sponge(data: bytes, suffix: int) -> bytes:
    """Absorbs ``data``, padded from ``suffix`` to a last bit of one; squeezes 32 bytes (FIPS 202, 4)."""
    padded = bytearray(data + bytes([suffix]) + bytes(-(len(data) + 1) % _RATE))
    padded[-1] |= 0x80
    lanes: tuple[int, ...] = (0,) * 25
    for block in _BLOCK.iter_unpack(padded):
        absorbed = [lane ^ word for lane, word in zip(lanes, block, strict=False)]
        lanes = _permute((*absorbed, *lanes[len(block) :]))
    return _DIGEST.pack(*lanes[:4])


def _permute(lanes: tuple[int, ...]) -> tuple[int, ...]:
    for constant in _ROUND_CONSTANTS:
        lanes = _round(lanes, _theta(lanes), constant)
    return lanes


def _theta(lanes: tuple[int, ...]) -> tuple[int, ...]:
    """What the step theta adds to each column: the parities of its two neighbours (FIPS 202, 3.2.1)."""
    (
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12,
        a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24,
    ) = lanes  # fmt: skip
    c0 = a0 ^ a5 ^ a10 ^ a15 ^ a20
    c1 = a1 ^ a6 ^ a11 ^ a16 ^ a21
    c2 = a2 ^ a7 ^ a12 ^ a17 ^ a22
    c3 = a3 ^ a8 ^ a13 ^ a18 ^ a23
    c4 = a4 ^ a9 ^ a14 ^ a19 ^ a24
    return (
        c4 ^ (c1 << 1 & _MASK | c1 >> 63),
        c0 ^ (c2 << 1 & _MASK | c2 >> 63),
        c1 ^ (c3 << 1 & _MASK | c3 >> 63),
        c2 ^ (c4 << 1 & _MASK | c4 >> 63),
        c3 ^ (c0 << 1 & _MASK | c0 >> 63),
    )


def _round(lanes: tuple[int, ...], columns: tuple[int, ...], constant: int) -> tuple[int, ...]:
    """Theta's addition, rho and pi to the rows b, then chi and iota (FIPS 202, 3.2.1 to 3.2.5)."""
    (
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12,
        a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24,
    ) = lanes  # fmt: skip
    d0, d1, d2, d3, d4 = columns
    b0 = a0 ^ d0
    b1 = (t := a6 ^ d1) << 44 & _MASK | t >> 20
    b2 = (t := a12 ^ d2) << 43 & _MASK | t >> 21
    b3 = (t := a18 ^ d3) << 21 & _MASK | t >> 43
    b4 = (t := a24 ^ d4) << 14 & _MASK | t >> 50
    row0 = _chi(b0, b1, b2, b3, b4)
    b0 = (t := a3 ^ d3) << 28 & _MASK | t >> 36
    b1 = (t := a9 ^ d4) << 20 & _MASK | t >> 44
    b2 = (t := a10 ^ d0) << 3 & _MASK | t >> 61
    b3 = (t := a16 ^ d1) << 45 & _MASK | t >> 19
    b4 = (t := a22 ^ d2) << 61 & _MASK | t >> 3
    row1 = _chi(b0, b1, b2, b3, b4)
    b0 = (t := a1 ^ d1) << 1 & _MASK | t >> 63
    b1 = (t := a7 ^ d2) << 6 & _MASK | t >> 58
    b2 = (t := a13 ^ d3) << 25 & _MASK | t >> 39
    b3 = (t := a19 ^ d4) << 8 & _MASK | t >> 56
    b4 = (t := a20 ^ d0) << 18 & _MASK | t >> 46
    row2 = _chi(b0, b1, b2, b3, b4)
    b0 = (t := a4 ^ d4) << 27 & _MASK | t >> 37
    b1 = (t := a5 ^ d0) << 36 & _MASK | t >> 28
    b2 = (t := a11 ^ d1) << 10 & _MASK | t >> 54
    b3 = (t := a17 ^ d2) << 15 & _MASK | t >> 49
    b4 = (t := a23 ^ d3) << 56 & _MASK | t >> 8
    row3 = _chi(b0, b1, b2, b3, b4)
    b0 = (t := a2 ^ d2) << 62 & _MASK | t >> 2
    b1 = (t := a8 ^ d3) << 55 & _MASK | t >> 9
    b2 = (t := a14 ^ d4) << 39 & _MASK | t >> 25
    b3 = (t := a15 ^ d0) << 41 & _MASK | t >> 23
    b4 = (t := a21 ^ d1) << 2 & _MASK | t >> 62
    row4 = _chi(b0, b1, b2, b3, b4)
    return (row0[0] ^ constant, *row0[1:], *row1, *row2, *row3, *row4)


def _chi(b0: int, b1: int, b2: int, b3: int, b4: int) -> tuple[int, ...]:
    """A row of chi (FIPS 202, 3.2.4). ``c ^ (b & c)`` is ``~b & c`` without a negative number."""
    return (
        b0 ^ b2 ^ (b1 & b2),
        b1 ^ b3 ^ (b2 & b3),
        b2 ^ b4 ^ (b3 & b4),
        b3 ^ b0 ^ (b4 & b0),
        b4 ^ b1 ^ (b0 & b1),
    )
