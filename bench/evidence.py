"""Evidence of one agent among seven: how long its export takes, what it verifies in, how large it is and in memory."""

import tracemalloc
from dataclasses import dataclass
from io import BytesIO

from bench.audit import best
from portcullis.aws.ed25519 import verifies_bytes
from portcullis.protocol import checkpoints, export_verification, export_writing, tiles
from portcullis.protocol.authentic_log import AuthenticLog
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_export import Asked
from portcullis.protocol.tiles import Edge
from tests.unit.protocol.built_log import NAME, PRIVATE, Log, entry, verifier_key

ENTRIES = 20_480
BATCH = 512
ASKED = Asked("2026-11-21T00:00:00.000Z", "2026-11-22T00:00:00.000Z", f"ag_{3:022d}")


@dataclass(frozen=True, slots=True)
class Exported:
    """Seconds of one core, and bytes; ``memory`` is the most that both take beside the log."""

    entries: int
    write_seconds: float
    verify_seconds: float
    file_bytes: int
    memory_bytes: int


def measure(entries: int = ENTRIES, best_of: int = 3) -> Exported:
    """Of a log of so many payments of one day."""
    log, file = _published(entries), BytesIO()
    tracemalloc.start()
    _write(log, file)
    _verify(log, file)
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    write, verify = best(lambda: _write(log, BytesIO()), best_of), best(lambda: _verify(log, file), best_of)
    return Exported(entries, write, verify, len(file.getvalue()), memory)


def _published(entries: int) -> Log:
    """As `built`, without the partial files, which would be most of so large a log."""
    edge, files = Edge(), dict[str, bytes]()
    kept = {tile.path for tile in tiles.tiles_between(0, entries)}
    for start in range(0, entries, BATCH):
        growth = tiles.grow(edge, [entry(index) for index in range(start, min(start + BATCH, entries))])
        files |= {path: data for path, data in growth.files.items() if path in kept}
        edge = growth.edge
    signed = checkpoints.sign(Checkpoint(NAME, edge.size, edge.root), verifier_key(), PRIVATE.sign)
    return Log({**files, "checkpoint": signed}, edge.size, verifier_key())


def _write(log: Log, file: BytesIO) -> None:
    note = log.files["checkpoint"]
    tree = AuthenticLog(checkpoints.open_checkpoint(note, log.key, verifies_bytes), log.files.get)
    export_writing.write(file, tree, note, log.key, ASKED, lambda _done, _total: None)


def _verify(log: Log, file: BytesIO) -> None:
    export_verification.verify(file, log.key, verifies_bytes, (), lambda _done, _total: None)
