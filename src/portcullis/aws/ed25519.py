"""Ed25519 by ``cryptography`` (decision 6), which is loaded by the first request that needs it and not before."""


def verifies(public_key: bytes, text: str, signature: str) -> bool:
    """Whether ``signature`` (128 hex digits) is that of ``text`` under the 32 bytes of ``public_key``."""
    return verifies_bytes(public_key, text.encode("ascii"), bytes.fromhex(signature))


def verifies_bytes(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is that of ``message`` under the 32 bytes of ``public_key``."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True
