"""The benchmark's own arithmetic, on streams small enough to count by hand."""

import pickle
from array import array
from pathlib import Path

import pytest

from bench.detection import datasets, nab
from bench.detection.contestants import Guide, Product, Verdict, poisoned
from bench.detection.datasets import DAY, FRAUD, NORMAL, SECOND, Row, Stream
from bench.detection.figures import ranking, run
from bench.detection.frames import read_columns

COLUMNS = "ssn|cc_num|unix_time|category|amt|is_fraud|merchant\n"


class Alarmed(Guide):
    """Says what the test wants: an alarm above 100 dollars."""

    def judge(self, row: Row) -> Verdict:
        return Verdict(row[2], row[2] > 100)


def stream(*rows: tuple[int, int, float, int]) -> Stream:
    """Rows of day, agent, dollars and label; days from 1 on count."""
    full = [(day * DAY, agent, usd, 0, 0, label) for day, agent, usd, label in rows]
    columns = tuple(array(code, values) for code, values in zip("qLdLLB", zip(*full, strict=True), strict=True))
    return Stream("small", [], 0, (1, 1000), columns)


def test_a_run_counts_episodes_money_and_new_agents() -> None:
    quiet = [(day, 2, 10.0, NORMAL) for day in range(1, 101)]
    thefts = [(1, 1, 50.0, FRAUD), (2, 1, 150.0, FRAUD), (3, 1, 100.0, FRAUD), (40, 1, 90.0, FRAUD)]
    figures = run(stream((0, 3, 500.0, FRAUD), *quiet, (101, 2, 120.0, NORMAL), *thefts), Alarmed())
    assert figures.false_alarms == 1 / 101
    assert (figures.recall, figures.episodes, figures.median_found) == (0.25, 0.5, 2)
    assert figures.lost == pytest.approx((50 + 90) / (50 + 150 + 100 + 90))
    assert figures.new_frauds == 5
    assert figures.new_recall == 0.4
    assert figures.per_agent == pytest.approx((9.9, 9.9, 9.9), abs=0.01)


def test_ties_count_against_a_ranking() -> None:
    assert ranking([(2.0, True), (1.0, False), (1.0, True)]) == pytest.approx((0.5, (1 + 2 / 3) / 2))


@pytest.mark.parametrize("contestant", [Guide, Product])
def test_both_contestants_find_what_is_far_off(contestant: type[Guide] | type[Product]) -> None:
    usual = [(day, agent, 100.0 + day % 7, NORMAL) for day in range(150) for agent in (1, 2)]
    theft = (151, 1, 5_000.0, FRAUD)
    tried = contestant()
    played = stream(*usual, theft)
    assert run(played, tried).recall_at == 1
    assert 0 <= poisoned(tried, played) <= 1
    assert tried.state_bytes() < 1_000
    assert tried.timed(list(played.rows())[-10:]) > 0


def test_sparkov_files_are_read_in_time_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "CACHE", tmp_path / "cache")
    (tmp_path / "spk").mkdir()
    (tmp_path / "spk" / "7-a.csv").write_text(COLUMNS + COLUMNS + "s|1|1546400000|food|12.50|1|m\n")
    (tmp_path / "spk" / "7-b.csv").write_text(COLUMNS + "s|1|1546300800|food|3.00|0|m\n")
    for _ in ("converted", "from the cache"):
        rows = list(datasets.sparkov(tmp_path, 7).rows())
        assert [(row[0] // SECOND, row[2], row[5]) for row in rows] == [(1546300800, 3.0, 0), (1546400000, 12.5, 1)]
    with pytest.raises(FileNotFoundError, match="spk-8"):
        datasets.sparkov(tmp_path, 8)


def test_a_pickle_runs_nothing_that_it_names(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (str(tmp_path / "touched"),)

    hostile = tmp_path / "hostile.pkl"
    hostile.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(TypeError):
        read_columns(hostile)
    assert not (tmp_path / "touched").exists()


def test_what_follows_a_larger_value_joins_its_finding() -> None:
    ranks = nab._episodes([1.0, 3.0, 2.0, *[0.0] * 200, 2.0])
    assert ranks == [0.5, 0.75, *[0.0] * 201, pytest.approx(2 / 3)]
