"""Ways to tamper with a log, each of which a verifier must refuse.

``PUBLISHED`` touch what C2SP specifies, so that any verifier sees them; ``COMMITTED`` touch what is this log's own.
Both name the file and the entry at which the first finding lies. The log has at least 600 entries and a partial bundle.
"""

from collections.abc import Callable
from dataclasses import replace

from portcullis.protocol import checkpoints, notes, segments, tiles
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_verification import LATEST
from portcullis.protocol.notes import Note
from portcullis.protocol.tiles import WIDTH, Tile
from tests.unit.protocol.built_log import NAME, OTHER_PRIVATE, PRIVATE, Log, verifier_key

Change = Callable[[Log], Log]
Place = Callable[[Log], tuple[str, int | None]]

BUNDLE, LEAVES = "tile/entries/001", "tile/0/001"
SECOND = "seg/00000000000000000003"


def last(log: Log, level: int | None) -> Tile:
    """The partial tile at the end of a level."""
    nodes = log.size >> 8 * (level or 0)
    return Tile(level, nodes // WIDTH, nodes % WIDTH)


def on(path: str, change: Callable[[bytes], bytes | None]) -> Change:
    """Change one file."""
    return lambda log: log.with_file(path, change(log.files[path]))


def at_end(level: int | None, change: Callable[[bytes], bytes | None]) -> Change:
    """Change the partial file at the end of a level."""
    return lambda log: on(last(log, level).path, change)(log)


def flip(at: int) -> Callable[[bytes], bytes]:
    """One bit of the byte at a place."""

    def flipped(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[at] ^= 1
        return bytes(changed)

    return flipped


def entries(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    """Write a full bundle anew."""
    return lambda data: tiles.encode_bundle(change(tiles.parse_bundle(data, WIDTH)))


def with_leaf_hash(log: Log) -> Log:
    """An entry and its hash changed together: only the tile above tells."""
    bundle = tiles.parse_bundle(log.files[BUNDLE], WIDTH)
    bundle[3] = flip(200)(bundle[3])
    growth = tiles.grow(tiles.Edge(), bundle)
    changed = {BUNDLE: growth.files["tile/entries/000"], LEAVES: growth.files["tile/0/000"]}
    return replace(log, files=log.files | changed)


def latest(data: bytes) -> Callable[[Log], Log]:
    """Another checkpoint."""
    return lambda log: log.with_file(LATEST, data)


def retold(change: Callable[[Checkpoint], str]) -> Change:
    """A checkpoint with another text above the old signature."""

    def changed(log: Log) -> Log:
        note = notes.parse(log.files[LATEST])
        return log.with_file(LATEST, Note(change(checkpoints.parse_text(note.text)), note.signatures).encode())

    return changed


def resigned(log: Log) -> Log:
    """The checkpoint signed by another key under the id of the right one."""
    text = notes.parse(log.files[LATEST]).text
    return log.with_file(LATEST, notes.sign(text, verifier_key(), OTHER_PRIVATE.sign))


def other_root(log: Log) -> Log:
    """Another root that the log's own key signed."""
    forged = Checkpoint(NAME, log.size, bytes(32))
    return log.with_file(LATEST, checkpoints.sign(forged, verifier_key(), PRIVATE.sign))


def signature(data: bytes) -> bytes:
    """One bit of the signature changed."""
    note = notes.parse(data)
    (given,) = note.signatures
    return Note(note.text, (replace(given, signature=flip(40)(given.signature)),)).encode()


def key_id(data: bytes) -> bytes:
    """The id before the signature changed."""
    note = notes.parse(data)
    (given,) = note.signatures
    return Note(note.text, (replace(given, key_id=flip(0)(given.key_id)),)).encode()


def shifted(data: bytes) -> bytes:
    """The border between two entries moved by one byte."""
    first, second, *rest = tiles.parse_bundle(data, WIDTH)
    return tiles.encode_bundle([first[:-1], first[-1:] + second, *rest])


def file(path: str, entry: int | None) -> Place:
    return lambda _: (path, entry)


def end(level: int | None, at: int = 0) -> Place:
    """The partial file at the end of a level, at the entry under its hash ``at``."""
    return lambda log: (last(log, level).path, last(log, level).index * WIDTH + at << 8 * (level or 0))


SIGNED = file(LATEST, None)
FIRST_OF = file(BUNDLE, 256)

PUBLISHED: dict[str, tuple[Change, Place]] = {
    "entry changed": (on(BUNDLE, flip(100)), FIRST_OF),
    "entry dropped": (on(BUNDLE, entries(lambda old: old[:7] + old[8:])), FIRST_OF),
    "entry added": (on(BUNDLE, entries(lambda old: [*old[:7], old[6], *old[7:]])), FIRST_OF),
    "entries swapped": (on(BUNDLE, entries(lambda old: [*old[:7], old[8], old[7], *old[9:]])), file(BUNDLE, 263)),
    "entry replaced by another": (on(BUNDLE, entries(lambda old: [*old[:-1], old[0]])), file(BUNDLE, 511)),
    "border between entries moved": (on(BUNDLE, shifted), FIRST_OF),
    "last entry changed": (at_end(None, flip(-30)), lambda log: (last(log, None).path, log.size - 1)),
    "entry and its hash changed": (with_leaf_hash, file(BUNDLE, 259)),
    "bundle truncated": (on(BUNDLE, lambda data: data[:-1]), FIRST_OF),
    "bytes after a bundle": (on(BUNDLE, lambda data: data + b"\x00\x00"), FIRST_OF),
    "bundle missing": (on(BUNDLE, lambda _: None), FIRST_OF),
    "partial bundle missing": (at_end(None, lambda _: None), end(None)),
    "bundle replaced by another": (lambda log: log.with_file(BUNDLE, log.files["tile/entries/000"]), FIRST_OF),
    "hash changed": (on(LEAVES, flip(320)), file(LEAVES, 266)),
    "hash of a partial tile changed": (at_end(0, flip(64)), end(0, 2)),
    "hash of an upper tile changed": (at_end(1, flip(32)), end(1, 1)),
    "tile missing": (on(LEAVES, lambda _: None), file(LEAVES, 256)),
    "partial tile missing": (at_end(0, lambda _: None), end(0)),
    "upper tile missing": (at_end(1, lambda _: None), end(1)),
    "tile truncated": (on(LEAVES, lambda data: data[:-32]), file(LEAVES, 256)),
    "bytes after a tile": (on(LEAVES, lambda data: data + bytes(32)), file(LEAVES, 256)),
    "size changed": (retold(lambda old: replace(old, size=old.size - 1).text), SIGNED),
    "root changed": (retold(lambda old: replace(old, root=flip(5)(old.root)).text), SIGNED),
    "root changed and signed": (other_root, file("checkpoint/{size}", None)),
    "origin changed": (retold(lambda old: replace(old, origin="audit.example.com/tess").text), SIGNED),
    "line added": (retold(lambda old: f"{old.text}2026-11-21T06:31:00Z\n"), SIGNED),
    "signature changed": (on(LATEST, signature), SIGNED),
    "signature missing": (on(LATEST, lambda data: data[: data.index(b"\n\n") + 2]), SIGNED),
    "key id changed": (on(LATEST, key_id), SIGNED),
    "signed by another key": (resigned, SIGNED),
    "another key expected": (lambda log: replace(log, key=verifier_key(OTHER_PRIVATE)), SIGNED),
    "checkpoint missing": (on(LATEST, lambda _: None), SIGNED),
    "checkpoint truncated": (on(LATEST, lambda data: data[:-1]), SIGNED),
}


def rewritten(start: int | None = None, nonce: str = "", previous: str = "", more: int = 0) -> Change:
    """The second segment written anew, with a digest that fits."""

    def changed(log: Log) -> Log:
        header, held = (parsed := segments.parse(log.files[SECOND])).header, parsed.entries
        content = held[: len(held) + more] if more <= 0 else [*held, *held[:more]]
        begins = header.start if start is None else start
        data = segments.encode(begins, nonce or header.nonce, previous or header.previous, content)
        return log.with_file(SECOND, data)

    return changed


def next_after(log: Log) -> tuple[str, int]:
    header = segments.parse_header(log.files[SECOND])
    return segments.segment_path(header.end), header.end


COMMITTED: dict[str, tuple[Change, Place]] = {
    "segment's nonce changed": (on(SECOND, flip(55)), file(SECOND, 3)),
    "segment's nonce changed and its digest": (rewritten(nonce="f" * 32), next_after),
    "segment names another before it": (rewritten(previous="f" * 64), file(SECOND, 3)),
    "segment's content changed": (on(SECOND, flip(-9)), file(SECOND, 3)),
    "segment truncated": (on(SECOND, lambda data: data[:-1]), file(SECOND, 3)),
    "bytes after a segment": (on(SECOND, lambda data: data + b"\x00"), file(SECOND, 3)),
    "segment missing": (on(SECOND, lambda _: None), file(SECOND, 3)),
    "segment begins elsewhere": (rewritten(start=4), file(SECOND, 3)),
    "segment overlaps the next": (rewritten(more=1), lambda log: ("", next_after(log)[1] + 1)),
    "gap after a segment": (rewritten(more=-1), lambda log: ("", next_after(log)[1] - 1)),
    "segment twice": (lambda log: log.with_file(f"{SECOND[:-1]}9", log.files[SECOND]), file(f"{SECOND[:-1]}9", None)),
    "checkpoint of its size missing": (lambda log: log.with_file(f"checkpoint/{log.size}", None), file("", None)),
    "earlier checkpoint altered": (on("checkpoint/3", flip(-20)), file("checkpoint/3", None)),
    "earlier checkpoint under another size": (
        lambda log: log.with_file("checkpoint/4", log.files["checkpoint/3"]),
        file("checkpoint/4", None),
    ),
    "earlier partial tile changed": (on("tile/0/000.p/3", flip(64)), file("tile/0/000.p/3", 2)),
    "earlier partial bundle changed": (on("tile/entries/000.p/3", flip(64)), file("tile/entries/000.p/3", 0)),
    "tile beyond the end": (lambda log: log.with_file("tile/0/900", bytes(8192)), file("tile/0/900", None)),
    "file of another name": (lambda log: log.with_file("notes.txt", b""), file("notes.txt", None)),
}
