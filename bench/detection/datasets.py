"""The public data as streams of requests in time order, converted once and kept under build/."""

import csv
import hashlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

from bench.detection.frames import read_columns

CACHE = Path("build/bench-detection")
SECOND, DAY = 1_000_000, 86_400_000_000
NORMAL, FRAUD, UNCOUNTED = 0, 1, 2
_COLUMNS = (("at", "q"), ("agent", "L"), ("usd", "d"), ("endpoint", "L"), ("counterparty", "L"), ("label", "B"))

Row = tuple[int, int, float, int, int, int]


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests in time order, by column; figures are of days ``test[0]`` to ``test[1]``, counted from ``start``."""

    name: str
    files: list[Path]
    start: int
    test: tuple[int, int]
    columns: tuple[array, ...]  # type: ignore[type-arg]

    def rows(self) -> Iterator[Row]:
        """Microseconds, agent, dollars, endpoint, counterparty, label."""
        return zip(*self.columns, strict=True)

    def tested(self, at: int) -> bool:
        """Whether an instant is in the days that count."""
        return self.test[0] <= (at - self.start) // DAY <= self.test[1]


def handbook(data: Path) -> Stream:
    """HB: days 122 to 182 count; scenario 2 carries no signal without labels and is not counted."""
    files = sorted((data / "hb").glob("*.pkl"))
    return Stream("HB", files, _micros("2018-04-01"), (122, 182), _cached("hb", files, _handbook_rows))


def sparkov(data: Path, seed: int) -> Stream:
    """SPK: the second of two years counts."""
    files = sorted((data / "spk").glob(f"{seed}-*.csv"))
    columns = _cached(f"spk-{seed}", files, _sparkov_rows)
    return Stream(f"SPK {seed}", files, _micros("2019-01-01"), (365, 730), columns)


def checksum(files: list[Path]) -> str:
    """SHA-256 of the files' own SHA-256 values, in the order of their names."""
    digests = [hashlib.sha256(file.read_bytes()).digest() for file in files]
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _handbook_rows(file: Path) -> Iterator[Row]:
    table = read_columns(file)
    names = ("TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT", "TX_FRAUD_SCENARIO")
    for at, agent, terminal, usd, scenario in zip(*(table[name] for name in names), strict=True):
        label = (NORMAL, FRAUD, UNCOUNTED, FRAUD)[scenario]
        yield at // 1000, int(agent), usd, 0, int(terminal), label


def _sparkov_rows(file: Path) -> Iterator[Row]:
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines, delimiter="|"):
            if row["unix_time"] != "unix_time":
                names = (row[name].encode() for name in ("cc_num", "category", "merchant"))
                agent, endpoint, counterparty = map(crc32, names)
                at = int(row["unix_time"]) * SECOND
                yield at, agent, float(row["amt"]), endpoint, counterparty, int(row["is_fraud"])


def _cached(name: str, files: list[Path], read: Callable[[Path], Iterator[Row]]) -> tuple[array, ...]:  # type: ignore[type-arg]
    """The columns of ``files`` in time order; FileNotFoundError when there are none."""
    if not files:
        raise FileNotFoundError(name)
    listing = "".join(f"{file.name} {file.stat().st_size}\n" for file in files)
    kept = CACHE / f"{name}-{crc32(listing.encode()):08x}.bin"
    if not kept.exists():
        rows = sorted(row for file in files for row in read(file))
        CACHE.mkdir(parents=True, exist_ok=True)
        columns = (array(code, values) for (_, code), values in zip(_COLUMNS, zip(*rows, strict=True), strict=True))
        kept.write_bytes(b"".join(column.tobytes() for column in columns))
    return _read(kept)


def _read(kept: Path) -> tuple[array, ...]:  # type: ignore[type-arg]
    codes = [array(code) for _, code in _COLUMNS]
    count = kept.stat().st_size // sum(column.itemsize for column in codes)
    with kept.open("rb") as stored:
        for column in codes:
            column.fromfile(stored, count)
    return tuple(codes)


def _micros(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * SECOND
