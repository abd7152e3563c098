"""An export of the audit log: one ZIP file that proves a range of entries, and that nothing in it was left out.

``proof.json`` holds the hashes of the subtrees beside the range, with which its entries have the root that the
``checkpoint`` signs. Of an entry that is withheld there is its hash, so that every index is accounted for.
"""

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from portcullis.protocol.log_errors import MalformedLog
from portcullis.protocol.merkle import HASH_BYTES, fold, node_hash, perfect_nodes
from portcullis.protocol.notes import decode_base64
from portcullis.protocol.strict_json import MalformedInput, decode, parse_object

VERSION = 1
KEY, CHECKPOINT, PROOF, ENTRIES, SUMMARY = "verifier-key", "checkpoint", "proof.json", "entries.jsonl", "summary.md"
MEMBERS = (KEY, CHECKPOINT, PROOF, ENTRIES, SUMMARY)
LATENESS_DAYS = 1
"""How much later than ``at`` an entry is looked for: deliveries are late and out of order."""

_WITHHELD = re.compile(rb'\{"withheld":"([0-9a-f]{64})"\}')
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_AGENT = re.compile(r"[!#-\[\]-~]{1,128}", re.ASCII)
_NAMES = ("v", "since", "until", "agent", "lateness_days", "first", "end", "size", "left", "right")


class MalformedExport(MalformedLog):
    """An export that is not what it should be: in which member, and from which entry on if one is known."""

    def __init__(self, member: str, why: str, entry: int | None = None) -> None:
        super().__init__(member if entry is None else f"{member}, entry {entry}", why)
        self.member = member
        self.entry = entry


@dataclass(frozen=True, slots=True)
class Asked:
    """What an export is of: entries from ``since`` to before ``until`` (as in ``at``), of one agent or of all."""

    since: str
    until: str
    agent: str | None = None

    def __post_init__(self) -> None:
        for name, instant in (("since", self.since), ("until", self.until)):
            if not _INSTANT.fullmatch(instant) or not _exists(instant):
                raise MalformedExport(PROOF, f"{name}: expected YYYY-MM-DDThh:mm:ss.mmmZ")
        if self.agent is not None and not _AGENT.fullmatch(self.agent):
            raise MalformedExport(PROOF, "agent: expected 1 to 128 printable characters")

    def holds(self, at: str) -> bool:
        """Whether an instant lies in the time that was asked for."""
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Proof:
    """Entries ``first`` to before ``end`` of the tree of ``size``, and the subtrees to the left and right of them."""

    asked: Asked
    first: int
    end: int
    size: int
    left: tuple[bytes, ...]
    right: tuple[bytes, ...]

    def encode(self) -> bytes:
        """The bytes of ``proof.json``; there is one spelling."""
        asked = self.asked
        values = (VERSION, asked.since, asked.until, asked.agent, LATENESS_DAYS, self.first, self.end, self.size)
        hashes = ([b64encode(one).decode() for one in side] for side in (self.left, self.right))
        return json.dumps(dict(zip(_NAMES, (*values, *hashes), strict=True)), indent=1).encode() + b"\n"


def parse_proof(data: bytes) -> Proof:
    """The proof in the bytes of ``proof.json``, its form and the number of its hashes checked, or MalformedExport."""
    try:
        members = parse_object(decode(data))
    except MalformedInput as error:
        raise MalformedExport(PROOF, str(error)) from None
    if tuple(members) != _NAMES or members["v"] != VERSION:
        raise MalformedExport(PROOF, f"expected version {VERSION} with the members {', '.join(_NAMES)}")
    since, until, agent = (members[name] for name in ("since", "until", "agent"))
    if not isinstance(since, str) or not isinstance(until, str) or not isinstance(agent, str | None):
        raise MalformedExport(PROOF, "since, until and agent: expected strings; null for every agent")
    first, end, size = (_index(members[name], name) for name in ("first", "end", "size"))
    if not first <= end <= size:
        raise MalformedExport(PROOF, "expected first <= end <= size")
    left, right = (_hashes(members[name], name) for name in ("left", "right"))
    if len(left) != sum(1 for _ in perfect_nodes(0, first)) or len(right) != sum(1 for _ in perfect_nodes(end, size)):
        raise MalformedExport(PROOF, "left, right: expected one hash for each subtree beside the range")
    proof = Proof(Asked(since, until, agent), first, end, size, left, right)
    if proof.encode() != data:
        raise MalformedExport(PROOF, "expected its one spelling")
    return proof


def withheld(leaf: bytes) -> bytes:
    """The line of an entry of which only the hash is told."""
    return b'{"withheld":"' + leaf.hex().encode() + b'"}'


def withheld_leaf(line: bytes) -> bytes | None:
    """The hash in such a line, None for any other."""
    match = _WITHHELD.fullmatch(line)
    return bytes.fromhex(match[1].decode()) if match else None


@dataclass(slots=True)
class Growth:
    """The tree from left to right, subtree by subtree, and its roots at the sizes in ``wanted`` that it passes."""

    wanted: frozenset[int]
    size: int = 0
    roots: dict[int, bytes] = field(default_factory=dict)
    _parts: list[tuple[int, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._note()

    def append(self, level: int, node: bytes) -> None:
        """One more perfect subtree, whose width divides the size so far."""
        self.size += 1 << level
        parts = self._parts
        while parts and parts[-1][0] == level:
            node = node_hash(parts.pop()[1], node)
            level += 1
        parts.append((level, node))
        if self.size in self.wanted:
            self._note()

    @property
    def root(self) -> bytes:
        """The root of what there is."""
        return fold([node for _, node in self._parts])

    def _note(self) -> None:
        if self.size in self.wanted:
            self.roots[self.size] = self.root


def moved(instant: str, days: int) -> str:
    """An instant so many days later, or the first or last that can be written."""
    try:
        later = datetime.fromisoformat(instant) + timedelta(days=days)
    except OverflowError:
        return "0001-01-01T00:00:00.000Z" if days < 0 else "9999-12-31T23:59:59.999Z"
    return f"{later.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _exists(instant: str) -> bool:
    try:
        datetime.fromisoformat(instant)
    except ValueError:
        return False
    return True


def _index(value: Any, name: str) -> int:
    if type(value) is not int or value < 0:
        raise MalformedExport(PROOF, f"{name}: expected a number of entries")
    return value


def _hashes(value: Any, name: str) -> tuple[bytes, ...]:
    texts = value if isinstance(value, list) else [None]
    found = [decode_base64(text) if isinstance(text, str) else None for text in texts]
    if any(one is None or len(one) != HASH_BYTES for one in found):
        raise MalformedExport(PROOF, f"{name}: expected hashes of {HASH_BYTES} bytes in base64")
    return tuple(one for one in found if one is not None)
