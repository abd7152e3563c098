"""`python -m bench.detection DATA`: the detector and the guide's rule on public data, next to each other."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.detection import datasets, nab
from bench.detection.contestants import Contestant, Guide, Product, poisoned
from bench.detection.datasets import Stream
from bench.detection.figures import Figures, run

TIMED = 20_000
CONTESTANTS: tuple[Callable[[], Product | Guide], ...] = (Product, Guide)
STREAMS: tuple[Callable[[Path], Stream], ...] = (
    datasets.handbook,
    lambda data: datasets.sparkov(data, 42),
    lambda data: datasets.sparkov(data, 43),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One contestant on one stream."""

    name: str
    figures: Figures
    poisoned: float
    state_bytes: int
    micros: float


def main() -> None:
    """Prints a table per stream; what is missing in DATA is named and left out."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m bench.detection DATA (docs/detection-model.md tells what DATA holds)")
    data = Path(sys.argv[1])
    for load in STREAMS:
        try:
            stream = load(data)
        except FileNotFoundError as missing:
            print(f"\n{missing} is missing in {data}\n")
            continue
        _show(stream, [_measured(stream, contestant()) for contestant in CONTESTANTS])
    _nab(data / "nab")


def _measured(stream: Stream, contestant: Product | Guide) -> Column:
    figures = run(stream, contestant)
    micros = contestant.timed(list(stream.rows())[-TIMED:])
    caught = poisoned(contestant, stream)
    return Column(contestant.name, figures, caught, contestant.state_bytes(), micros)


def _show(stream: Stream, columns: list[Column]) -> None:
    first, last = stream.test
    print(f"\n{stream.name}: {len(stream.columns[0]):,} requests, days {first} to {last} count", flush=True)
    print(f"  {len(stream.files)} files of SHA-256 {datasets.checksum(stream.files)} in all")
    print(f"  {'':<46}" + "".join(f"{column.name:>20}" for column in columns) + f"{'ratio':>9}")
    for name, values in _lines(columns):
        ratio = f"{values[0] / values[1]:>9.2f}" if values[1] else f"{'':>9}"
        print(f"  {name:<46}" + "".join(f"{value:>20.3f}" for value in values) + ratio)


def _lines(columns: list[Column]) -> Iterator[tuple[str, list[float]]]:
    figures = [column.figures for column in columns]
    yield "recall at 0.1 % false alarms", [one.recall_at for one in figures]
    yield "average precision", [one.precision for one in figures]
    yield "own alarm: false alarms, %", [100 * one.false_alarms for one in figures]
    yield "own alarm: recall", [one.recall for one in figures]
    yield "episodes found", [one.episodes for one in figures]
    yield "fraud of the episode at which, median", [one.median_found for one in figures]
    yield "money lost before detection", [one.lost for one in figures]
    yield f"recall on first ten requests ({figures[0].new_frauds} frauds)", [one.new_recall for one in figures]
    yield "30 amounts of 8 times the mean: caught", [column.poisoned for column in columns]
    for place, share in enumerate(("median", "p90", "p99")):
        yield f"false alarms per 1,000 by agent, {share}", [one.per_agent[place] for one in figures]
    yield "largest state of an agent, bytes", [column.state_bytes for column in columns]
    yield "microseconds per request", [column.micros for column in columns]


def _nab(data: Path) -> None:
    if not data.is_dir():
        print(f"\nNAB is missing: {data}")
        return
    scores: list[tuple[str, float]] = [(_name(contestant), nab.score(data, contestant)) for contestant in CONTESTANTS]
    print("\nNAB, standard profile, threshold chosen on the other half of the series")
    for name, score in scores:
        print(f"  {name:<46}{score:>20.1f}")


def _name(contestant: Callable[[], Contestant]) -> str:
    return contestant().name


main()
