"""The events that a profile has seen last, so that one which comes twice is seen once."""

import struct
from dataclasses import dataclass, field
from hashlib import blake2b

from portcullis.domain.times import SECOND

BLOCKS, BLOCK = 4, 32
SALT_BYTES = 8
MAX_BYTES = SALT_BYTES + 5 + BLOCKS * (4 + 4 * BLOCK)
_HEAD = struct.Struct(f"<{SALT_BYTES}sIB")


@dataclass(slots=True)
class _Block:
    newest: int = 0
    """The second after the newest of them."""
    hashes: list[int] = field(default_factory=list)


class Recent:
    """Hashes of the last 97 to 128 events, in blocks that make room as a whole.

    An event that is not newer than all that had to make room may have been here: it is late. The hashes are salted,
    since whoever has a key can try idempotency keys until the id of a payment has a hash that was seen.
    """

    __slots__ = ("_blocks", "_horizon", "_known", "_salt")

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._horizon = 0
        self._blocks = [_Block()]
        self._known: set[int] = set()

    def __contains__(self, event_id: str) -> bool:
        return self._hash(event_id) in self._known

    def is_late(self, at: int) -> bool:
        """Whether an event of this instant may have been seen and forgotten."""
        return at < self._horizon * SECOND

    def add(self, event_id: str, at: int) -> None:
        """Remember an event."""
        block = self._blocks[-1]
        if len(block.hashes) == BLOCK:
            block = self._next()
        hashed = self._hash(event_id)
        block.hashes.append(hashed)
        block.newest = max(block.newest, at // SECOND + 1)
        self._known.add(hashed)

    def pack(self) -> bytes:
        """At most ``MAX_BYTES``."""
        last = len(self._blocks[-1].hashes)
        head = _HEAD.pack(self._salt, self._horizon, (len(self._blocks) - 1) * BLOCK + last)
        blocks = (struct.pack(f"<I{len(each.hashes)}I", each.newest, *each.hashes) for each in self._blocks)
        return b"".join((head, *blocks))

    @classmethod
    def unpack(cls, data: bytes) -> "Recent":
        """The inverse of pack."""
        salt, horizon, count = _HEAD.unpack_from(data)
        recent = cls(salt)
        recent._horizon = horizon
        offset, blocks = _HEAD.size, []
        for start in range(0, max(count, 1), BLOCK):
            newest, *hashes = struct.unpack_from(f"<I{min(BLOCK, count - start)}I", data, offset)
            blocks.append(_Block(newest, hashes))
            offset += 4 + 4 * len(hashes)
        recent._blocks = blocks
        recent._known = {hashed for block in blocks for hashed in block.hashes}
        return recent

    def _next(self) -> _Block:
        """A new block, if need be in place of the oldest."""
        if len(self._blocks) == BLOCKS:
            oldest = self._blocks.pop(0)
            self._horizon = max(self._horizon, oldest.newest)
            self._known.difference_update(oldest.hashes)
        self._blocks.append(_Block())
        return self._blocks[-1]

    def _hash(self, event_id: str) -> int:
        return int.from_bytes(blake2b(event_id.encode(), digest_size=4, key=self._salt).digest(), "little")
