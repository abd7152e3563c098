"""The answers about the audit log, as functions/operator_api/audit.py gives them."""

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict  # typing's own tells pydantic what is required only from Python 3.12

from local.openapi.answers import Cursor
from portcullis.domain.operator_requests import Instant

Index = Annotated[int, Field(ge=0)]
Hash = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]
Hashes = Annotated[list[Hash], Field(description="Of a proof of RFC 6962, SHA-256 in base64.")]
Note = Annotated[str, Field(description="A checkpoint: a C2SP signed note.")]


class Ocsf(TypedDict):
    """What the entry is in the Open Cybersecurity Schema Framework."""

    category_uid: Index
    class_uid: Index
    activity_id: Index
    type_uid: Index
    severity_id: Index


class AuditEntry(TypedDict):
    """An entry of the audit log and its place. Its fields are those of the event, with what is sensitive left out."""

    index: Index
    v: Literal[1]
    id: str
    type: str
    at: Instant
    agent: str | None
    key: str | None
    ip: str
    txid: str | None
    rev: Index
    verified: bool
    outcome: str
    ocsf: Ocsf
    data: dict[str, Any]


class AuditEntries(TypedDict):
    """One page, newest first. Everything from index `scanned_to` on was looked at; the log has `size` entries."""

    entries: list[AuditEntry]
    size: Index
    scanned_to: Index
    cursor: Cursor


class AuditCheckpoint(TypedDict):
    """The latest checkpoint, null while nothing is published. Hold `verifier_key` against one from elsewhere."""

    checkpoint: Note | None
    verifier_key: str
    origin: str
    bucket: str


class InclusionProof(TypedDict):
    """`entry`, to the byte, is the leaf at `index` of the tree that `checkpoint` signs."""

    index: Index
    entry: str
    hashes: Hashes
    checkpoint: Note


class AuditProof(TypedDict):
    """The proof; null where the log has no such entry or, with a cursor, none was found yet."""

    proof: InclusionProof | None
    cursor: Cursor


class AuditConsistency(TypedDict):
    """That the tree of `second` entries begins with the tree of `first`."""

    first: Index
    second: Index
    hashes: Hashes
