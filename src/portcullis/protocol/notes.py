"""Signed notes (C2SP signed-note) with Ed25519: a text, an empty line, and one line for each signature.

Making and checking signatures is passed in: the private key may lie in a service, and Python's library has no Ed25519.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from portcullis.protocol.log_errors import MalformedNote, UnverifiedNote

ED25519 = b"\x01"
KEY_BYTES = 32
SIGNATURE_BYTES = 64
ID_BYTES = 4
MAX_NOTE_BYTES = 1 << 20
MAX_SIGNATURES = 16

Sign = Callable[[bytes], bytes]
"""The signature of a message."""
Check = Callable[[bytes, bytes, bytes], bool]
"""Whether, under a public key, for a message, a signature is good."""

_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_LINE = re.compile(r"\u2014 ([^ ]+) ([A-Za-z0-9+/]+={0,2})")
_KEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Who signs, by name and Ed25519 public key."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise MalformedNote("key name", "expected at least one character, without spaces and without +")
        if len(self.public_key) != KEY_BYTES:
            raise MalformedNote("public key", f"expected {KEY_BYTES} bytes")

    @property
    def id(self) -> bytes:
        """The four bytes that stand before its signatures."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public_key).digest()[:ID_BYTES]

    @property
    def text(self) -> str:
        """The key as verifiers are given it: ``name+id+base64``."""
        return f"{self.name}+{self.id.hex()}+{encode_base64(ED25519 + self.public_key)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One line under a note: whose it claims to be, and the signature."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line, without its end."""
        return f"\u2014 {self.name} {encode_base64(self.key_id + self.signature)}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures under it, none of them checked."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The bytes of the note."""
        lines = "".join(f"{signature.line}\n" for signature in self.signatures)
        return f"{self.text}\n{lines}".encode()


def parse_verifier_key(text: str) -> VerifierKey:
    """The key in ``text``, or MalformedNote."""
    if match := _KEY.fullmatch(text):
        data = decode_base64(match[3])
        if data is not None and len(data) == len(ED25519) + KEY_BYTES and data.startswith(ED25519):
            key = VerifierKey(match[1], data[len(ED25519) :])
            if key.text == text:
                return key
    raise MalformedNote("verifier key", "expected name+id+base64 of an Ed25519 key, with the id of that name and key")


def sign(text: str, key: VerifierKey, signer: Sign) -> bytes:
    """The note of ``text`` with the signature of ``key``, which ``signer`` makes."""
    _check_text(text)
    signature = signer(text.encode())
    if len(signature) != SIGNATURE_BYTES:
        raise MalformedNote("signature", f"expected {SIGNATURE_BYTES} bytes")
    return Note(text, (Signature(key.name, key.id, signature),)).encode()


def parse(data: bytes) -> Note:
    """The note in ``data``, nothing checked but its form, or MalformedNote."""
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedNote("note", f"expected at most {MAX_NOTE_BYTES} bytes")
    try:
        text, found, lines = data.decode().rpartition("\n\n")
    except UnicodeDecodeError:
        raise MalformedNote("note", "expected UTF-8") from None
    if not found or not lines.endswith("\n"):
        raise MalformedNote("note", "expected a text, an empty line, and lines of signatures")
    text += "\n"
    _check_text(text)
    signatures = tuple(_parse_line(line) for line in lines[:-1].split("\n"))
    claimed = {(signature.name, signature.key_id) for signature in signatures}
    if len(claimed) < len(signatures) or len(signatures) > MAX_SIGNATURES:
        raise MalformedNote("signatures", f"expected one of each key, at most {MAX_SIGNATURES}")
    return Note(text, signatures)


def open_note(data: bytes, key: VerifierKey, check: Check) -> str:
    """The text of a note that ``key`` signed; signatures of others are left alone, as the specification has it."""
    note = parse(data)
    for signature in note.signatures:
        if (signature.name, signature.key_id) == (key.name, key.id):
            if len(signature.signature) == SIGNATURE_BYTES and check(
                key.public_key, note.text.encode(), signature.signature
            ):
                return note.text
            raise UnverifiedNote("signature", f"it is not that of {key.name}+{key.id.hex()} under this text")
    raise UnverifiedNote("signature", f"there is none of {key.name}+{key.id.hex()}")


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding."""
    return b64encode(data).decode()


def decode_base64(text: str) -> bytes | None:
    """The bytes, or None for anything but the one canonical spelling."""
    try:
        data = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        return None
    return data if encode_base64(data) == text else None


def _check_text(text: str) -> None:
    if not text.endswith("\n") or text == "\n" or _CONTROL.search(text):
        raise MalformedNote("text", "expected lines that each end in a newline, and no other control characters")


def _parse_line(line: str) -> Signature:
    match = _LINE.fullmatch(line)
    data = decode_base64(match[2]) if match else None
    if not match or not _NAME.fullmatch(match[1]) or data is None or len(data) <= ID_BYTES:
        raise MalformedNote("signature line", "expected an em dash, a name and base64 of a key id and a signature")
    return Signature(match[1], data[:ID_BYTES], data[ID_BYTES:])
