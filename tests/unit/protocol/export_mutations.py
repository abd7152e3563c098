"""Ways to tamper with an export of entries 60 to 300 of 600, of one agent, each of which a verifier must refuse.

Each names the member and, where one is known, the entry that the refusal names.
"""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from portcullis.protocol import checkpoints, notes
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_export import CHECKPOINT, ENTRIES, KEY, PROOF, SUMMARY, Asked, withheld
from portcullis.protocol.merkle import leaf_hash
from tests.unit.protocol.built_log import NAME, OTHER_PRIVATE, PRIVATE, built_of, entry, verifier_key
from tests.unit.protocol.exported import exported, packed, unpacked

ARCHIVE = "archive"
FIRST, END = 60, 300
SHOWN, HIDDEN = 66, 67  # of agent 3 in built_log, and of another
LOG = built_of([3, 250, 100, 247])
GOOD = exported(LOG, Asked("2026-11-21T06:01:00.000Z", "2026-11-21T06:05:00.000Z", f"ag_{3:022d}"))
MEMBERS = unpacked(GOOD)
Place = tuple[str, int | None]


def changed(name: str, change: Callable[[bytes], bytes]) -> bytes:
    """One member changed."""
    return packed([(each, change(data) if each == name else data) for each, data in MEMBERS.items()])


def lines(change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """The lines of the entries changed."""
    return changed(ENTRIES, lambda data: b"".join(line + b"\n" for line in change(data[:-1].split(b"\n"))))


def line(index: int, change: Callable[[bytes], bytes]) -> bytes:
    """One line changed."""
    return lines(lambda all_: [change(one) if at == index else one for at, one in enumerate(all_, FIRST)])


def proof(**members: Any) -> bytes:
    """Members of the proof replaced."""
    return changed(PROOF, lambda data: json.dumps({**json.loads(data), **members}, indent=1).encode() + b"\n")


def flip(at: int) -> Callable[[bytes], bytes]:
    """One bit of the byte at a place."""
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 or len(data) :]


def swapped(all_: list[bytes]) -> list[bytes]:
    return [*all_[:6], all_[7], all_[6], *all_[8:]]


def signed(size: int, root: bytes) -> bytes:
    """A checkpoint of the log's own key."""
    return checkpoints.sign(Checkpoint(NAME, size, root), verifier_key(), PRIVATE.sign)


def without(name: str) -> bytes:
    return packed([(each, data) for each, data in MEMBERS.items() if each != name])


PARSED = json.loads(MEMBERS[PROOF])
ROOT: Place = (PROOF, None)
MUTATIONS: dict[str, tuple[bytes, Place]] = {
    "entry changed": (line(SHOWN, lambda one: one.replace(b'"12.50"', b'"12.51"')), ROOT),
    "entry spelled otherwise": (line(SHOWN, lambda one: one.replace(b",", b", ", 1)), (ENTRIES, SHOWN)),
    "entry is none": (line(SHOWN, lambda _: b"{}"), (ENTRIES, SHOWN)),
    "entry dropped": (lines(lambda all_: [*all_[:6], *all_[7:]]), (ENTRIES, END - 1)),
    "last entry dropped": (lines(lambda all_: all_[:-1]), (ENTRIES, END - 1)),
    "entry added": (lines(lambda all_: [*all_, withheld(bytes(32))]), (ENTRIES, END)),
    "entry twice": (lines(lambda all_: [*all_[:13], all_[6], *all_[14:]]), (ENTRIES, 73)),
    "entries swapped": (lines(swapped), ROOT),
    "no end of the last line": (changed(ENTRIES, lambda data: data[:-1]), (ENTRIES, END - 1)),
    "entry of the agent withheld otherwise": (line(SHOWN, lambda _: withheld(bytes(32))), ROOT),
    "withheld one opened wrongly": (line(HIDDEN, lambda _: entry(1005)), (ENTRIES, HIDDEN)),
    "withheld one replaced by one of the agent": (line(HIDDEN, lambda _: entry(1004)), ROOT),
    "withheld one spelled otherwise": (line(HIDDEN, bytes.upper), (ENTRIES, HIDDEN)),
    "withheld hash another": (line(HIDDEN, lambda _: withheld(leaf_hash(b"x"))), ROOT),
    "very long line": (line(SHOWN, lambda _: b" " * 70_000), (ENTRIES, SHOWN)),
    "another agent claimed": (proof(agent=f"ag_{4:022d}"), (ENTRIES, SHOWN)),
    "every agent claimed": (proof(agent=None), (ENTRIES, FIRST)),
    "hash of the proof changed": (proof(left=[PARSED["right"][0], *PARSED["left"][1:]]), ROOT),
    "hash of the proof missing": (proof(right=PARSED["right"][1:]), ROOT),
    "hash of the proof too many": (proof(left=[*PARSED["left"], PARSED["left"][0]]), ROOT),
    "hash of the proof short": (proof(left=["AAAA", *PARSED["left"][1:]]), ROOT),
    "range moved": (proof(first=FIRST + 1, end=END + 1), ROOT),
    "range larger than the tree": (proof(end=601), ROOT),
    "range backwards": (proof(first=END, end=FIRST), ROOT),
    "range negative": (proof(first=-1), ROOT),
    "range no number": (proof(first=True), ROOT),
    "size of another tree": (proof(size=599), ROOT),
    "other times claimed": (proof(since="2026-11-21T06:01:30.000Z"), (SUMMARY, None)),
    "time that does not exist": (proof(since="2026-02-30T06:01:30.000Z"), ROOT),
    "member of the proof added": (proof(more=1), ROOT),
    "proof is no JSON": (changed(PROOF, lambda data: data[:-3]), ROOT),
    "proof spelled otherwise": (changed(PROOF, lambda data: data.replace(b"\n", b"")), ROOT),
    "proof names a member twice": (changed(PROOF, lambda data: data.replace(b"{", b'{"v":1,')), ROOT),
    "checkpoint altered": (changed(CHECKPOINT, lambda data: data.replace(b"\n600\n", b"\n601\n")), (CHECKPOINT, None)),
    "signature altered": (changed(CHECKPOINT, flip(-20)), (CHECKPOINT, None)),
    "checkpoint of another root": (changed(CHECKPOINT, lambda _: signed(600, sha256().digest())), ROOT),
    "checkpoint of another size": (changed(CHECKPOINT, lambda _: LOG.files["checkpoint/353"]), ROOT),
    "checkpoint of another key": (
        changed(CHECKPOINT, lambda data: notes.sign(notes.parse(data).text, verifier_key(), OTHER_PRIVATE.sign)),
        (CHECKPOINT, None),
    ),
    "another key": (changed(KEY, lambda _: verifier_key(OTHER_PRIVATE).text.encode() + b"\n"), (KEY, None)),
    "summary altered": (
        changed(SUMMARY, lambda data: data.replace(b"withheld    206", b"withheld    6")),
        (SUMMARY, None),
    ),
    "bomb in the summary": (changed(SUMMARY, lambda _: bytes(50_000_000)), (SUMMARY, None)),
    "bomb in the entries": (changed(ENTRIES, lambda _: bytes(50_000_000)), (ENTRIES, None)),
    "bomb in the proof": (changed(PROOF, lambda _: b"[" * 200_000), ROOT),
    "archive truncated": (GOOD[:-1], (ARCHIVE, None)),
    "archive cut in the middle": (GOOD[: len(GOOD) // 2], (ARCHIVE, None)),
    "archive empty": (b"", (ARCHIVE, None)),
    "bytes before": (b"#!/bin/sh\n" + GOOD, (ARCHIVE, None)),
    "bytes after": (GOOD + b"\x00", (ARCHIVE, None)),
    "no archive": (b"\x00" * 5000, (ARCHIVE, None)),
    "member missing": (without(SUMMARY), (ARCHIVE, None)),
    "member doubled": (packed([*list(MEMBERS.items())[:-1], *[(KEY, MEMBERS[KEY])]]), (ARCHIVE, None)),
    "member added": (packed([*MEMBERS.items(), ("more.txt", b"")]), (ARCHIVE, None)),
    "members in another order": (packed([*reversed(MEMBERS.items())]), (ARCHIVE, None)),
    "path that leads elsewhere": (
        packed([(f"../{name}" if name == SUMMARY else name, data) for name, data in MEMBERS.items()]),
        (ARCHIVE, None),
    ),
    "entries damaged": (
        flip(GOOD.index(b"entries.jsonl") + 3000)(GOOD),
        (ENTRIES, FIRST),
    ),
}
