"""Exports of a built log, and the members of one to change and pack again."""

import io
import warnings
import zipfile

from portcullis.aws.ed25519 import verifies_bytes
from portcullis.protocol import checkpoints, export_verification, export_writing
from portcullis.protocol.authentic_log import AuthenticLog
from portcullis.protocol.export_verification import Export
from portcullis.protocol.log_export import ENTRIES, Asked
from portcullis.protocol.log_verification import LATEST
from portcullis.protocol.notes import VerifierKey
from tests.unit.protocol.built_log import Log, verifier_key

EVER = Asked("2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z")
Members = dict[str, bytes]


def authentic(log: Log) -> AuthenticLog:
    """The log as its latest checkpoint has it."""
    return AuthenticLog(checkpoints.open_checkpoint(log.files[LATEST], log.key, verifies_bytes), log.files.get)


def exported(log: Log, asked: Asked = EVER) -> bytes:
    """The bytes of an export."""
    file = io.BytesIO()
    export_writing.write(file, authentic(log), log.files[LATEST], log.key, asked, untold)
    return file.getvalue()


def verified(data: bytes, *sizes: int, key: VerifierKey | None = None) -> Export:
    """What a verifier finds."""
    return export_verification.verify(io.BytesIO(data), key or verifier_key(), verifies_bytes, sizes, untold)


def unpacked(data: bytes) -> Members:
    """The members by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: list[tuple[str, bytes]]) -> bytes:
    """An archive of these members, packed as an export is."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, warnings.catch_warnings(action="ignore"):  # of names that come twice
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=name == ENTRIES) as member:
                member.write(data)
    return file.getvalue()


def untold(done: int, total: int) -> None:
    """Nobody wants to know how far it is."""
    assert 0 < done <= total
