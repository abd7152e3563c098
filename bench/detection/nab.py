"""NAB: 58 series of measurements, scored by its own code; what is chosen is chosen on the half that is not scored."""

import csv
import importlib.util
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.detection.contestants import Contestant
from bench.detection.datasets import SECOND

STANDARD = {"tpWeight": 1.0, "fnWeight": 1.0, "fpWeight": 0.11, "tnWeight": 1.0}
SCALE = 100.0
EPISODE = 200


@dataclass(frozen=True, slots=True)
class Series:
    """One file: its instants as text, its values, and the windows that hold an anomaly."""

    name: str
    times: list[datetime]
    values: list[float]
    windows: list[tuple[datetime, datetime]]


def series(data: Path) -> Iterator[Series]:
    """Every series, by name; FileNotFoundError when there are none."""
    labels: dict[str, list[tuple[str, str]]] = json.loads((data / "labels" / "combined_windows.json").read_text())
    for name in sorted(labels):
        with (data / "data" / name).open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        times = [_instant(row["timestamp"]) for row in rows]
        windows = [(_instant(first), _instant(last)) for first, last in labels[name]]
        yield Series(name, times, [float(row["value"]) for row in rows], windows)


def score(data: Path, contestant: Callable[[], Contestant]) -> float:
    """0 is no detection at all, 100 a perfect one."""
    sweeper, files = _sweeper(data), list(series(data))
    halves: list[list[list[Any]]] = [[], []]
    for number, one in enumerate(files):
        for reading, ranks in enumerate(_readings(one, contestant)):
            points = sweeper.calcSweepScore(one.times, ranks, one.windows, f"{one.name} {reading}")
            half = halves[number % 2]
            if len(half) == reading:
                half.append([])
            half[reading].extend(points)
    swept = [[sweeper.calcScoreByThreshold(points) for points in half] for half in halves]
    raw = _transferred(swept[0], swept[1]) + _transferred(swept[1], swept[0])
    windows = sum(len(one.windows) for one in files)
    return 100 * (raw + windows) / (2 * windows)


def _readings(one: Series, contestant: Callable[[], Contestant]) -> list[list[float]]:
    """How surprising each value is, upwards or downwards, between 0 and 1; NAB tells each detector the range."""
    low, high = min(one.values), max(one.values)
    unit = SCALE / ((high - low) or 1.0)
    upwards, downwards = contestant(), contestant()
    larger = []
    for moment, value in zip(one.times, one.values, strict=True):
        at = int(moment.timestamp()) * SECOND
        pair = upwards.measure(at, (value - low) * unit), downwards.measure(at, (high - value) * unit)
        larger.append([max(up, down) for up, down in zip(*pair, strict=True)])
    return [_episodes(list(reading)) for reading in zip(*larger, strict=True)]


def _episodes(surprises: list[float]) -> list[float]:
    """What is not above all of the last ``EPISODE`` values belongs to a finding that is open already."""
    ranks, open_since = [], deque[tuple[int, float]]()
    for place, surprise in enumerate(surprises):
        while open_since and open_since[0][0] < place - EPISODE:
            open_since.popleft()
        new = surprise > 0 and (not open_since or surprise > open_since[0][1])
        ranks.append(1 - 1 / (1 + surprise) if new else 0.0)
        while open_since and open_since[-1][1] <= surprise:
            open_since.pop()
        open_since.append((place, surprise))
    return ranks


def _transferred(other: list[list[Any]], half: list[list[Any]]) -> float:
    """NAB's raw score of one half, with the reading and the threshold that are best on the other."""
    best = [max(rows, key=lambda row: row.score) for rows in other]
    reading = max(range(len(best)), key=lambda number: best[number].score)
    rows = half[reading]
    return float(next((row.score for row in reversed(rows) if row.threshold >= best[reading].threshold), rows[0].score))


def _sweeper(data: Path) -> Any:
    found = next(path for path in (data / "sweeper.py", data / "nab" / "sweeper.py") if path.exists())
    spec = importlib.util.spec_from_file_location("nab_sweeper", found)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(found)
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Sweeper(probationPercent=0.15, costMatrix=STANDARD)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
