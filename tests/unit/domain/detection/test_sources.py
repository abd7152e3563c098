"""What unverified refusals count for: their address, from a threshold on, and for a time."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain.detection import sources
from portcullis.domain.detection.networks import network_of
from portcullis.domain.detection.sources import LONGEST, MINUTE, REMEMBERED, SHORTEST, Block, Refusals
from portcullis.domain.detection.windows import Window
from portcullis.domain.times import SECOND, rfc3339
from tests.unit.domain.builders import NOW

BUS = Path(__file__).parents[4] / "events" / "bus"
ADDRESS = network_of("198.51.100.9")
assert ADDRESS is not None


def refused(**data: Any) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((BUS / "authentication.refused.json").read_text())
    event["data"] |= data
    return event


def window(*counted: tuple[str, int, int]) -> Window:
    """Refusals by problem, number and second."""
    made = Window.new(MINUTE)
    assert ADDRESS is not None
    for number, (problem, count, second) in enumerate(counted):
        sources.count(made, Refusals(f"refusal/{number}#1", ADDRESS, problem, count, NOW + second * SECOND))
    return made


def broken(*counted: tuple[str, int, int]) -> set[str]:
    return {signal.name for signal in sources.judge(window(*counted), NOW + 60 * SECOND)}


@pytest.mark.parametrize(
    ("problem", "most", "name"),
    [
        ("missing_credentials", 10, "failed_authentications"),
        ("ip_not_allowed", 10, "failed_authentications"),
        ("invalid_credentials", 5, "failed_signatures"),
        ("nonce_replayed", 3, "replays"),
        ("body_digest_mismatch", 3, "body_digests"),
    ],
)
def test_each_rule_fires_above_its_threshold(problem: str, most: int, name: str) -> None:
    assert broken((problem, most, 0)) == set()
    assert broken((problem, most - 1, 0), (problem, 2, 50)) == {name}
    assert broken((problem, most - 1, 0), (problem, 2, 60)) == set()


def test_kinds_of_failures_add_up() -> None:
    assert broken(("missing_credentials", 9, 0), ("nonce_replayed", 2, 10)) == {"failed_authentications"}


def test_what_is_told_late_blocks_nobody() -> None:
    late = window(("invalid_credentials", 99, 0))
    assert sources.judge(late, NOW + 300 * SECOND) != ()
    assert sources.judge(late, NOW + 330 * SECOND) == ()


@pytest.mark.parametrize(
    "event",
    [
        refused() | {"verified": True},
        refused() | {"ip": ""},
        refused() | {"ip": "unknown"},
        refused() | {"type": "agent.created"},
        refused(problem="dependency_unavailable"),
        refused(problem="malformed_request") | {"type": "request.refused"},
        refused(problem="forbidden") | {"type": "request.refused"},
    ],
)
def test_what_is_verified_or_no_fault_of_an_address_counts_for_nothing(event: dict[str, Any]) -> None:
    assert sources.refusals(event) is None


def test_a_sum_counts_as_often_as_it_says_when_it_happened_last() -> None:
    told = sources.refusals(refused(count=412, last_at=rfc3339(NOW)))
    assert told is not None
    assert (told.address, told.problem, told.count, told.at) == (ADDRESS, "invalid_credentials", 412, NOW)


@given(st.integers(1, 200))
def test_each_block_is_twice_as_long_as_the_last_up_to_a_day(times: int) -> None:
    assert ADDRESS is not None
    signals = sources.judge(window(("invalid_credentials", 99, 0)), NOW)
    last: Block | None = None
    for _ in range(times):
        last = sources.block(ADDRESS, signals, last, last.until + REMEMBERED - 1 if last else NOW)
    assert last is not None
    assert last.times == times
    assert last.until - last.since == min(SHORTEST * 2 ** (times - 1), LONGEST)
    anew = sources.block(ADDRESS, signals, last, last.until + REMEMBERED)
    assert (anew.times, anew.until - anew.since) == (1, SHORTEST)


def test_a_block_says_why() -> None:
    assert ADDRESS is not None
    block = sources.block(ADDRESS, sources.judge(window(("invalid_credentials", 12, 0)), NOW), None, NOW)
    assert (block.address, block.severity) == ("198.51.100.9", 7)
    assert block.reason == (
        "12 in a minute: more than 10 failed authentications; "
        "12 in a minute: more than 5 requests whose key or signature is wrong"
    )
