"""A quiet week stays inside the rules' share of the alarm budget, and attacks are told as documented."""

import os
from collections import Counter
from pathlib import Path

import pytest

from portcullis.domain.detection.conduct import Conduct
from portcullis.domain.detection.signals import CONTAIN, NOTIFY
from tests.detection import agents, scenarios
from tests.detection.episodes import episodes

AGENTS = int(os.environ.get("AGENTS", "200"))
DAYS = 8
"""A first day, in which addresses are learnt, and a week."""
BUDGET = 0.1
"""Episodes that a person is told of, per 1,000 requests of honest agents, by the rules alone."""


def test_a_quiet_week_stays_inside_the_alarm_budget() -> None:
    told: Counter[str] = Counter()
    requests = 0
    for number in range(AGENTS):
        events = agents.quiet(agents.agent(number, seed=7), DAYS)
        requests += sum(event["data"].get("count", 1) for event in events)
        told.update(episode.action for episode in episodes(Conduct.new(), events))
    assert told[CONTAIN] == 0
    assert told[NOTIFY] <= BUDGET * requests / 1_000


@pytest.mark.parametrize("path", scenarios.CASES, ids=lambda path: path.stem)
def test_an_attack_is_told_as_documented(path: Path) -> None:
    scenario = scenarios.load(path)
    conduct = Conduct.new()
    before = [episode.action for episode in episodes(conduct, scenario.history)]
    assert NOTIFY not in before
    assert CONTAIN not in before
    found = episodes(conduct, scenario.attack)
    names = {name for episode in found for name in episode.signals}
    gravest = max((episode.action for episode in found), key=["record", "notify", "contain"].index, default="none")
    assert {"rules": sorted(names), "action": gravest} == scenario.expect
