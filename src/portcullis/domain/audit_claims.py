"""Where the claim of an entry stands: in an item that it shares with others, so that one write claims many.

Item and name follow from what the event itself says, its id and instant, and are therefore equal in every delivery.
Events of one second share an item. Once that is full, whatever it does not hold goes a level down, to sixteen items,
and so on: no number of events of one second makes an item that cannot be written, or one that is dear to write.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256

from portcullis.domain.audit_operations import Claim, Recordable
from portcullis.protocol import audit_entries
from portcullis.protocol.audit_entries import REJECTED_ID

NAME_BYTES, NAME_LENGTH = 16, 22
"""A second preimage is out of reach. Two events made to share a name are told apart as two of one identity are."""
_SECOND = len("2026-11-21T06:31:00")


@dataclass(slots=True, eq=False)
class Wanted:
    """An entry that is to be recorded, where its claim stands, and the last claim known that did not record it."""

    entry: Recordable
    name: str = field(init=False)
    item: str = field(init=False)
    claim: Claim | None = None
    _digits: str = field(init=False)

    def __post_init__(self) -> None:
        self.item, digest = _place(self.entry.data)
        self.name, self._digits = _name(digest), digest.hex()

    def descend(self) -> None:
        """The item is full: go to the one below."""
        self.item += self._digits[0]
        self._digits = self._digits[1:]


def name_of(entry: bytes) -> str:
    """What an entry is claimed under."""
    return _name(_place(entry)[1])


def _place(entry: bytes) -> tuple[str, bytes]:
    """The item of the first level, and the digest. What is no event has no instant of its own, and an item alone."""
    id_, at = audit_entries.parse_identity(entry)
    if id_.startswith(REJECTED_ID):
        return f"{id_}#", sha256(id_.encode()).digest()[:NAME_BYTES]
    return f"{at[:_SECOND]}#", sha256(f"{id_} {at}".encode()).digest()[:NAME_BYTES]


def _name(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
