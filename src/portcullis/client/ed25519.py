"""Ed25519 by ``cryptography``, which is loaded by the first use that needs it."""

from contextlib import suppress
from typing import TYPE_CHECKING

from portcullis.client.errors import ConfigurationError
from portcullis.protocol.public_keys import encode_ed25519

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PEM_START = "-----BEGIN "
_MISSING = "Ed25519 keys need cryptography: pip install cryptography"


def verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is that of ``message`` under the 32 bytes of ``public_key``."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ModuleNotFoundError as error:
        raise ImportError(_MISSING) from error
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def load_private_key(pem: bytes, name: str) -> "Ed25519PrivateKey":
    """An unencrypted PKCS #8 key in PEM; ConfigurationError, which calls it ``name``, when it is none."""
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ModuleNotFoundError as error:
        raise ImportError(_MISSING) from error
    private_key = None
    with suppress(TypeError, ValueError):
        private_key = load_pem_private_key(pem, password=None)
    if not isinstance(private_key, Ed25519PrivateKey):
        raise ConfigurationError(f"{name}: expected an unencrypted Ed25519 private key in PEM (PKCS #8)")
    return private_key


def new_private_key() -> str:
    """A new key pair, as load_private_key reads it."""
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ModuleNotFoundError as error:
        raise ImportError(_MISSING) from error
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode("ascii")


def public_key_of(pem: str) -> str:
    """The public half as operators register it, in base64url."""
    return encode_ed25519(load_private_key(pem.encode(), "private_key").public_key().public_bytes_raw())
