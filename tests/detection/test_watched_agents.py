"""Rules and joint detector together: the alarm budget is kept, and attacks end as findings that are documented."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from portcullis.domain.detection.population import Population
from portcullis.domain.detection.signals import CONTAIN, NOTIFY, RECORD
from portcullis.domain.times import SECOND
from tests.detection import agents, scenarios
from tests.detection.watched import BUDGET, Fleet

AGENTS = int(os.environ.get("AGENTS", "200"))
"""As many as docs/detection-operation.md tells of."""
ACTIONS = ["none", RECORD, NOTIFY, CONTAIN]


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """A fleet that has worked for two weeks."""
    fleet = Fleet()
    events = [event for number in range(AGENTS) for event in agents.quiet(agents.agent(number, seed=7), 14)]
    fleet.watch(sorted(events, key=lambda event: str(event["at"])))
    return fleet


def test_a_quiet_week_stays_inside_the_alarm_budget(fleet: Fleet) -> None:
    week = (agents.MONDAY + 7 * agents.DAY) * SECOND
    told = Counter(finding.action for finding in fleet.findings.values() if finding.opened_at >= week)
    judged = sum(number for (_, day), number in fleet.judged.items() if day >= 7)
    print(f"{AGENTS} agents, {judged} requests: {dict(told)}")
    assert told[CONTAIN] == 0
    assert told[NOTIFY] <= BUDGET / 1_000 * judged / 1_000


@pytest.mark.parametrize("path", scenarios.CASES, ids=lambda path: path.stem)
def test_an_attack_ends_as_documented(fleet: Fleet, path: Path) -> None:
    scenario, alone = scenarios.load(path), Fleet()
    alone.population = Population.unpack(fleet.population.pack())
    alone.watch(scenario.history)
    assert CONTAIN not in {finding.action for finding in alone.findings.values()}
    before = set(alone.findings)
    alone.watch(scenario.attack)
    found = [finding for name, finding in alone.findings.items() if name not in before]
    names = {signal.name for finding in found for signal in finding.signals}
    action = max((finding.action for finding in found), key=ACTIONS.index, default="none")
    assert {"signals": sorted(names), "action": action} == json.loads(path.read_text())["finding"]
