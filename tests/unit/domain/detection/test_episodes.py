"""What is unusual becomes one finding after another, and each is told of when there is news."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain.detection.episodes import LONGEST, MAX_KEYS, QUIET, Flagged, join
from portcullis.domain.detection.findings import FINDING_ID, MAX_EVIDENCE, MAX_LESSONS, RELEASED, Finding
from portcullis.domain.detection.observations import ACCEPTED, Observation, Payment
from portcullis.domain.detection.signals import Signal
from portcullis.domain.times import SECOND

NOW = 1_795_242_660 * SECOND
AGENT = "ag_" + "a" * 22


def flagged(number: int, at: int = NOW, *signals: Signal, surprise: int = 0) -> Flagged:
    payment = Payment(12_500_000, "base wallet", "0" * 64)
    observation = Observation(f"tx_{number}#1", AGENT, f"pk_{number}", at, "203.0.113.7", "e", ACCEPTED, 1, payment)
    return Flagged(observation, signals or (signal(),), surprise)


def signal(name: str = "velocity", severity: int = 5) -> Signal:
    return Signal(name, "much", severity, "11", "10")


def joined(standing: Finding | None, *more: Flagged) -> Finding:
    finding = join(standing, more)
    assert finding is not None
    return finding


OPEN = joined(None, flagged(1))


def test_a_new_finding_says_it_all() -> None:
    finding = joined(None, flagged(1, NOW, signal("velocity"), signal("denial_rate", 4), surprise=4200), flagged(2))
    assert FINDING_ID.fullmatch(finding.id)
    assert (finding.agent, finding.state, finding.rev, finding.count) == (AGENT, "open", 1, 2)
    assert (finding.severity, finding.surprise) == (6, 4200)
    assert finding.evidence == ("tx_1#1", "tx_2#1")
    assert finding.keys == ("pk_1", "pk_2")
    assert [each.usd for each in finding.lessons] == [12_500_000] * 2


def test_nothing_flagged_is_no_finding() -> None:
    assert join(None, []) is None
    assert join(OPEN, []) is None


def test_the_same_request_opens_the_same_finding_and_joins_it_once() -> None:
    assert joined(None, flagged(1)) == OPEN
    assert join(OPEN, [flagged(1)]) is None
    assert join(replace(OPEN, state=RELEASED), [flagged(1)]) is None


def test_more_of_the_same_is_counted_and_not_told() -> None:
    more = joined(OPEN, flagged(2, NOW + SECOND), flagged(3, NOW + 2 * SECOND))
    assert more == replace(
        OPEN,
        count=3,
        last_at=NOW + 2 * SECOND,
        keys=("pk_1", "pk_2", "pk_3"),
        evidence=("tx_1#1", "tx_2#1", "tx_3#1"),
        lessons=more.lessons,
    )


def test_a_new_signal_or_a_graver_one_is_told() -> None:
    assert joined(OPEN, flagged(2, NOW, signal("limit_hits", 1))).rev == 2
    graver = joined(OPEN, flagged(2, NOW, signal(severity=7)))
    assert (graver.rev, graver.severity, graver.signals) == (2, 7, (signal(severity=7),))
    assert joined(graver, flagged(3, NOW, signal(severity=6))).rev == 2


def test_what_is_over_is_joined_no_more() -> None:
    assert joined(OPEN, flagged(2, NOW + QUIET)).id == OPEN.id
    assert joined(OPEN, flagged(2, NOW + QUIET + 1)).id != OPEN.id
    long = replace(OPEN, last_at=NOW + LONGEST)
    assert joined(long, flagged(2, NOW + LONGEST)).id == OPEN.id
    assert joined(long, flagged(2, NOW + LONGEST + 1)).id != OPEN.id
    assert joined(replace(OPEN, state=RELEASED), flagged(2)).id != OPEN.id


def test_ids_rise_with_time() -> None:
    ids = [joined(None, flagged(number, NOW + number * SECOND // 100)).id for number in range(0, 2000, 77)]
    assert ids == sorted(ids)
    assert len({joined(None, flagged(number)).id for number in range(50)}) == 50


@given(st.lists(st.integers(0, 60), min_size=1, max_size=120))
def test_a_finding_stays_bounded(batches: list[int]) -> None:
    finding, count = None, 0
    for batch, size in enumerate(batches):
        requests = [flagged(count + index, NOW + batch, signal(f"rule{index % 9}")) for index in range(size)]
        finding, count = join(finding, requests) or finding, count + size
    if finding:
        assert finding.count == count
        assert len(finding.evidence) <= MAX_EVIDENCE
        assert len(finding.lessons) <= MAX_LESSONS
        assert len(finding.keys) <= MAX_KEYS
        assert finding.rev <= 10 + 9
