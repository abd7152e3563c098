"""Ed25519 by ``cryptography`` (decision 6), which is loaded by the first request that needs it and not before."""


def verifies(public_key: bytes, text: str, signature: str) -> bool:
    """Whether ``signature`` (128 hex digits) is that of ``text`` under the 32 bytes of ``public_key``."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(bytes.fromhex(signature), text.encode("ascii"))
    except InvalidSignature:
        return False
    return True
