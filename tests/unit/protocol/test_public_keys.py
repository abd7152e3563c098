"""Which Ed25519 public keys may be registered."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portcullis.protocol.public_keys import MalformedPublicKey, encode_ed25519, parse_ed25519

P = 2**255 - 19
# The y of two points of order 8, a root of d y^4 + 2 y^2 = 1; P - y is that of the two others.
ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7


def raw(y: int, sign: int = 0) -> str:
    return encode_ed25519((y | sign << 255).to_bytes(32, "little"))


def pem(number: int) -> str:
    key = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("number", range(16))
def test_both_forms_of_a_key_are_read(number: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32).public_key().public_bytes_raw()

    assert parse_ed25519(encode_ed25519(key)) == key
    assert parse_ed25519(pem(number)) == key
    assert parse_ed25519(pem(number).replace("\n", "\r\n")) == key


SMALL_ORDER = [(1, 0), (P - 1, 0), (0, 0), (0, 1)] + [(y, s) for y in (ORDER_8, P - ORDER_8) for s in (0, 1)]


@pytest.mark.parametrize(("y", "sign"), SMALL_ORDER)
def test_a_point_of_small_order_is_refused(y: int, sign: int) -> None:
    with pytest.raises(MalformedPublicKey, match="small order"):
        parse_ed25519(raw(y, sign))


@pytest.mark.parametrize(("y", "sign"), [(1, 1), (P - 1, 1), (P, 0), (P + 1, 0), (P + 3, 0), (2, 0), (2**255 - 1, 1)])
def test_what_is_no_canonical_point_is_refused(y: int, sign: int) -> None:
    with pytest.raises(MalformedPublicKey, match="canonical form of a point"):
        parse_ed25519(raw(y, sign))


GOOD = encode_ed25519(Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw())
X25519_PEM = pem(1).replace("K2Vw", "K2Vu")


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD + "=",
        GOOD[:-1],
        GOOD + "A",
        GOOD[:-1] + "B",
        f" {GOOD}",
        f"{GOOD}\n",
        X25519_PEM,
        pem(1) * 2,
        "x" + pem(1),
    ],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(MalformedPublicKey, match="expected an Ed25519 public key"):
        parse_ed25519(text)
