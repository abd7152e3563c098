"""NAB: 58 series of measurements, scored by NAB's own code, its thresholds chosen on the half that is not scored."""

import csv
import importlib.util
import json
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
    sweeper = _sweeper(data)
    folds: tuple[list[Any], list[Any]] = ([], [])
    for number, one in enumerate(series(data)):
        ranks = _ranks(one, contestant)
        folds[number % 2].extend(sweeper.calcSweepScore(one.times, ranks, one.windows, one.name))
    windows = sum(len(one.windows) for one in series(data))
    raw = sum(_at(sweeper, fold, _best(sweeper, other)) for fold, other in (folds, folds[::-1]))
    return 100 * (raw + windows) / (2 * windows)


def _ranks(one: Series, contestant: Callable[[], Contestant]) -> list[float]:
    """How surprising each value is, upwards or downwards, between 0 and 1; NAB tells each detector the range."""
    low, high = min(one.values), max(one.values)
    unit = SCALE / ((high - low) or 1.0)
    upwards, downwards = contestant(), contestant()
    ranks = []
    for moment, value in zip(one.times, one.values, strict=True):
        at = int(moment.timestamp()) * SECOND
        up = upwards.judge((at, 0, (value - low) * unit, 0, 0, 0)).rank
        down = downwards.judge((at, 0, (high - value) * unit, 0, 0, 0)).rank
        ranks.append(1 - 1 / (1 + max(up, down)))
    return ranks


def _best(sweeper: Any, fold: list[Any]) -> float:
    return float(max(sweeper.calcScoreByThreshold(fold), key=lambda row: row.score).threshold)


def _at(sweeper: Any, fold: list[Any], threshold: float) -> float:
    """NAB's raw score of a fold when values of ``threshold`` and above are detections."""
    rows = sweeper.calcScoreByThreshold(fold)
    return float(next((row.score for row in reversed(rows) if row.threshold >= threshold), rows[0].score))


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
