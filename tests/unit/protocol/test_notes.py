"""Signed notes and checkpoints: strict forms, and whose signature counts."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from portcullis.aws.ed25519 import verifies_bytes
from portcullis.protocol import checkpoints, notes
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_errors import MalformedCheckpoint, MalformedLog, MalformedNote, UnverifiedNote
from portcullis.protocol.notes import VerifierKey

NAME = "audit.example.com/demo"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEY = VerifierKey(NAME, PRIVATE.public_key().public_bytes_raw())
OTHER_KEY = VerifierKey(NAME, OTHER.public_key().public_bytes_raw())
TEXT = "first\n\nlast, after an empty line\n"
NOTE = notes.sign(TEXT, KEY, PRIVATE.sign)
CHECKPOINT = Checkpoint(NAME, 3, bytes(range(32)))
SIGNED = checkpoints.sign(CHECKPOINT, KEY, PRIVATE.sign)


def open_note(data: bytes, key: VerifierKey = KEY) -> str:
    return notes.open_note(data, key, verifies_bytes)


def open_checkpoint(data: bytes, key: VerifierKey = KEY) -> Checkpoint:
    return checkpoints.open_checkpoint(data, key, verifies_bytes)


def test_a_note_is_read_back() -> None:
    assert open_note(NOTE) == TEXT
    assert notes.parse(NOTE).encode() == NOTE


@given(st.integers(0, 8 * len(SIGNED) - 1))
def test_a_checkpoint_with_one_bit_changed_is_refused(bit: int) -> None:
    data = bytearray(SIGNED)
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MalformedLog):
        open_checkpoint(bytes(data))


@given(st.integers(0, len(SIGNED) - 1))
def test_a_checkpoint_that_ends_early_is_refused(length: int) -> None:
    with pytest.raises(MalformedLog):
        open_checkpoint(SIGNED[:length])


def test_signatures_of_others_are_left_alone() -> None:
    other = notes.sign(TEXT, OTHER_KEY, OTHER.sign).removeprefix(TEXT.encode() + b"\n")
    assert open_note(NOTE + other) == open_note(NOTE + other, OTHER_KEY) == TEXT


def test_a_note_of_another_key_is_unverified() -> None:
    with pytest.raises(UnverifiedNote, match="there is none of"):
        open_note(NOTE, OTHER_KEY)


def test_a_signature_of_another_key_under_this_id_is_unverified() -> None:
    with pytest.raises(UnverifiedNote, match="under this text"):
        open_note(notes.sign(TEXT, KEY, OTHER.sign))


SIGNATURE = NOTE.removeprefix(TEXT.encode() + b"\n")
MALFORMED = {
    "empty": b"",
    "no signature": TEXT.encode(),
    "an empty list of signatures": TEXT.encode() + b"\n",
    "no newline at the end": NOTE[:-1],
    "a signature twice": NOTE + SIGNATURE,
    "a line that is no signature": NOTE + b"hello\n",
    "a hyphen for the dash": NOTE.replace("\u2014".encode(), b"-"),
    "two spaces": NOTE.replace(b" E", b"  E"),
    "a carriage return": NOTE.replace(b"first\n", b"first\r\n"),
    "a tab": NOTE.replace(b"first", b"fir\tst"),
    "not UTF-8": NOTE.replace(b"first", b"fir\xffst"),
    "base64 without padding": NOTE.replace(b"=", b""),
    "a signature of nothing but the id": TEXT.encode() + f"\n\u2014 {NAME} {notes.encode_base64(KEY.id)}\n".encode(),
    "a name with a plus": NOTE.replace(b"\x94 audit", b"\x94 au+dit"),
    "no text": b"\n" + SIGNATURE,
    "too long": b"x" * notes.MAX_NOTE_BYTES + NOTE,
    "too many signatures": NOTE
    + b"".join(SIGNATURE.replace(b"demo", b"demo%d" % number) for number in range(notes.MAX_SIGNATURES)),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_note_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedNote):
        open_note(data)


def test_base64_has_one_spelling() -> None:
    assert notes.decode_base64("QQ==") == b"A"
    assert [notes.decode_base64(text) for text in ("QR==", "QQ=", "QQ", "Q Q==", "QQ==\n", "Q-==")] == [None] * 6


def test_a_verifier_key_is_read_back() -> None:
    assert notes.parse_verifier_key(KEY.text) == KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        NAME,
        KEY.text.replace("111637d5", "111637d6"),
        KEY.text.replace("111637d5", "111637D5"),
        KEY.text.replace("demo", "dem0"),
        KEY.text + "A",
        KEY.text + "\n",
        f"{NAME}+{KEY.id.hex()}+{notes.encode_base64(chr(2).encode() + KEY.public_key)}",
        f"{NAME}+{KEY.id.hex()}+{notes.encode_base64(chr(1).encode() + KEY.public_key[:31])}",
    ],
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote, match="verifier key"):
        notes.parse_verifier_key(text)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\u2003b", "a\nb"])
def test_a_malformed_name_is_refused(name: str) -> None:
    with pytest.raises(MalformedNote, match="key name"):
        VerifierKey(name, KEY.public_key)


@pytest.mark.parametrize("text", ["", "\n", "no newline", "a\rb\n", "a\x00\n"])
def test_a_malformed_text_is_not_signed(text: str) -> None:
    with pytest.raises(MalformedNote, match="text"):
        notes.sign(text, KEY, PRIVATE.sign)


def test_a_signature_of_another_length_is_not_written() -> None:
    with pytest.raises(MalformedNote, match="64 bytes"):
        notes.sign(TEXT, KEY, lambda message: PRIVATE.sign(message)[:63])


@given(st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_is_read_back(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(NAME, size, root)
    assert checkpoints.parse_text(checkpoint.text) == checkpoint
    assert open_checkpoint(checkpoints.sign(checkpoint, KEY, PRIVATE.sign)) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        CHECKPOINT.text + "an extension\n",
        CHECKPOINT.text[:-1],
        CHECKPOINT.text.replace("\n3\n", "\n03\n"),
        CHECKPOINT.text.replace("\n3\n", "\n+3\n"),
        CHECKPOINT.text.replace("\n3\n", "\n\u0663\n"),
        CHECKPOINT.text.replace("\n3\n", f"\n{2**63}\n"),
        CHECKPOINT.text.replace("\n3\n", "\n0\n"),
        CHECKPOINT.text.replace("=", ""),
        CHECKPOINT.text.replace("=", "A="),
        "\n" + CHECKPOINT.text.split("\n", 1)[1],
        "",
    ],
)
def test_a_malformed_checkpoint_is_refused_though_it_is_signed(text: str) -> None:
    with pytest.raises(MalformedLog):
        open_checkpoint(notes.sign(text, KEY, PRIVATE.sign))


def test_a_checkpoint_of_another_log_is_refused_though_it_is_signed() -> None:
    other = Checkpoint("audit.example.com/other", 3, CHECKPOINT.root)
    with pytest.raises(MalformedCheckpoint, match="origin"):
        checkpoints.sign(other, KEY, PRIVATE.sign)
    with pytest.raises(MalformedCheckpoint, match="origin"):
        open_checkpoint(notes.sign(other.text, KEY, PRIVATE.sign))
