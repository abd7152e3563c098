"""Figures of a prequential run: every request scored before it is learnt."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bench.detection.contestants import Contestant, Verdict
from bench.detection.datasets import DAY, FRAUD, NORMAL, Row, Stream

EPISODE_GAP = 14 * DAY
NEW = 10
FALSE_ALARMS = 0.001
ENOUGH = 100


@dataclass(frozen=True, slots=True)
class Judged:
    """A request of the days that count, and what was said of it."""

    row: Row
    verdict: Verdict


@dataclass(slots=True)
class Episode:
    """Frauds of one agent without a fortnight's pause."""

    last: int
    frauds: int = 0
    found_at: int = 0
    lost: float = 0.0
    dollars: float = 0.0

    def add(self, judged: Judged) -> None:
        """The next fraud."""
        self.last = judged.row[0]
        self.frauds += 1
        self.dollars += judged.row[2]
        if judged.verdict.alarm and not self.found_at:
            self.found_at = self.frauds
        if not self.found_at:
            self.lost += judged.row[2]


@dataclass(frozen=True, slots=True)
class Figures:
    """What the table shows of one contestant on one stream."""

    recall_at: float
    precision: float
    false_alarms: float
    recall: float
    episodes: float
    median_found: int
    lost: float
    new_recall: float
    new_frauds: int
    per_agent: tuple[float, float, float]


def run(stream: Stream, contestant: Contestant) -> Figures:
    """Plays the stream through; frauds on new agents count on all days, the rest on test days."""
    judged, new = [], []
    requests: dict[int, int] = defaultdict(int)
    for row in stream.rows():
        verdict = contestant.judge(row)
        if row[5] == FRAUD and requests[row[1]] < NEW:
            new.append(verdict.alarm)
        requests[row[1]] += 1
        if row[5] in (NORMAL, FRAUD) and stream.tested(row[0]):
            judged.append(Judged(row, verdict))
    return _figures(judged, new)


def _figures(judged: list[Judged], new: list[bool]) -> Figures:
    frauds = [one for one in judged if one.row[5] == FRAUD]
    normal = [one for one in judged if one.row[5] == NORMAL]
    episodes = _episodes(frauds)
    found = sorted(one.found_at for one in episodes if one.found_at)
    recall_at, precision = ranking((one.verdict.rank, one.row[5] == FRAUD) for one in judged)
    return Figures(
        recall_at=recall_at,
        precision=precision,
        false_alarms=_share(one.verdict.alarm for one in normal),
        recall=_share(one.verdict.alarm for one in frauds),
        episodes=len(found) / max(1, len(episodes)),
        median_found=found[len(found) // 2] if found else 0,
        lost=sum(one.lost for one in episodes) / max(1.0, sum(one.dollars for one in episodes)),
        new_recall=_share(new),
        new_frauds=len(new),
        per_agent=_per_agent(normal),
    )


def ranking(scored: Iterable[tuple[float, bool]]) -> tuple[float, float]:
    """Recall where ``FALSE_ALARMS`` of the normal requests rank higher, and average precision; ties count against."""
    ranked = sorted(scored, key=lambda one: (-one[0], one[1]))
    frauds = sum(fraud for _, fraud in ranked)
    allowed = (len(ranked) - frauds) * FALSE_ALARMS
    true = false = within = 0
    precisions = 0.0
    for _, fraud in ranked:
        if fraud:
            true += 1
            precisions += true / (true + false)
            within = true if false <= allowed else within
        else:
            false += 1
    return within / max(1, frauds), precisions / max(1, frauds)


def _episodes(frauds: list[Judged]) -> list[Episode]:
    episodes: list[Episode] = []
    current: dict[int, Episode] = {}
    for one in frauds:
        at, agent = one.row[:2]
        if agent not in current or at - current[agent].last > EPISODE_GAP:
            current[agent] = Episode(at)
            episodes.append(current[agent])
        current[agent].add(one)
    return episodes


def _per_agent(normal: list[Judged]) -> tuple[float, float, float]:
    """Median, p90 and p99 of false alarms per 1,000 requests, of agents with a hundred requests or more."""
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for one in normal:
        counts[one.row[1]][0] += 1
        counts[one.row[1]][1] += one.verdict.alarm
    rates = sorted(1000 * alarms / requests for requests, alarms in counts.values() if requests >= ENOUGH)
    if not rates:
        return 0.0, 0.0, 0.0
    median, p90, p99 = (rates[int(len(rates) * share)] for share in (0.5, 0.9, 0.99))
    return median, p90, p99


def _share(alarms: Iterable[bool]) -> float:
    listed = list(alarms)
    return sum(listed) / max(1, len(listed))
