"""Key ids and secrets: fixed prefix, stage, random part, CRC-32.

    key id  pk_<stage>_<22 base62><6 base62 CRC-32>   the first of the 22 names the generation of the root
    secret  sk_<stage>_<43 base62><6 base62 CRC-32>   43 digits hold the 256 bits of a KMS MAC

The checksum is CRC-32 (ISO 3309, as in zlib) of everything before it. It tells a typing error from a key without a
look-up and lets secret scanners match without false alarms; it proves nothing else.
"""

import re
import zlib
from dataclasses import dataclass

from portcullis.protocol import base62

KEY_ID_ENTROPY_BYTES = 20
_MAC_BYTES = 32
_TEXT = re.compile(r"(pk|sk)_([a-z]{1,12})_([0-9A-Za-z]{22}|[0-9A-Za-z]{43})([0-9A-Za-z]{6})", re.ASCII)


class MalformedKey(ValueError):
    """The text is not a key id or secret of this format. The message never repeats the text."""


@dataclass(frozen=True, slots=True)
class KeyId:
    """A well-formed key id: ``text`` whole, its ``stage``, the root ``generation`` and the 22 digit ``body``."""

    text: str
    stage: str
    generation: str
    body: str


def new_key_id(stage: str, generation: str, entropy: bytes) -> str:
    """A key id from 20 bytes of randomness; ``generation`` is one base62 digit."""
    if len(entropy) < KEY_ID_ENTROPY_BYTES:
        raise ValueError(f"a key id needs {KEY_ID_ENTROPY_BYTES} bytes of randomness")
    if len(generation) != 1 or generation not in base62.ALPHABET:
        raise ValueError("the generation is one base62 digit")
    return key_id_of(stage, f"{generation}{base62.from_bytes(entropy, 21)}")


def key_id_of(stage: str, body: str) -> str:
    """The key id with these 22 digits; MalformedKey when they are something else."""
    return parse_key_id(_with_checksum(f"pk_{stage}_{body}")).text


def parse_key_id(text: str) -> KeyId:
    """The parts of a key id, or MalformedKey."""
    stage, body = _parse(text, "pk", 22)
    return KeyId(text, stage, body[0], body)


def is_key_id(text: str) -> bool:
    """Whether ``text`` is a well-formed key id."""
    try:
        parse_key_id(text)
    except MalformedKey:
        return False
    return True


def mac_message(key_id: str) -> bytes:
    """What the root key authenticates to derive the secret of ``key_id``: a context for this use, then the id."""
    return b"portcullis/agent-secret/v1\n" + key_id.encode("ascii")


def secret_from_mac(stage: str, mac: bytes) -> str:
    """The secret text for a 32-byte MAC. The HMAC key of a request is this text's bytes."""
    if len(mac) != _MAC_BYTES:
        raise ValueError("the MAC is 32 bytes")
    return _with_checksum(f"sk_{stage}_{base62.encode(int.from_bytes(mac, 'big'), 43)}")


def parse_secret(text: str) -> str:
    """The stage of a well-formed secret, or MalformedKey."""
    return _parse(text, "sk", 43)[0]


def _parse(text: str, prefix: str, width: int) -> tuple[str, str]:
    match = _TEXT.fullmatch(text)
    if not match or match[1] != prefix or len(match[3]) != width:
        raise MalformedKey(f"expected {prefix}_<stage>_ and {width + 6} base62 characters")
    if _with_checksum(text[:-6]) != text:
        raise MalformedKey("the checksum does not match; a character was lost or changed in copying")
    return match[2], match[3]


def _with_checksum(text: str) -> str:
    return text + base62.encode(zlib.crc32(text.encode("ascii")), 6)
