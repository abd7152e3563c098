"""An incident keeps out where the attack came from, spares whoever nothing is known against, and lets in again."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.contain_sources import handler as contain_sources
from functions.operator_api import request
from portcullis.aws import addresses, findings, incident_sources, incidents, source_blocks
from portcullis.aws.addresses import Addresses
from portcullis.aws.changes import Actor
from portcullis.domain.detection.findings import RELEASED, Finding
from portcullis.domain.detection.sources import Block
from portcullis.domain.incidents import BY_FINDING, Incident, Trigger
from portcullis.domain.times import DAY, HOUR, SECOND
from tests.functions.deployed import Deployed
from tests.functions.test_anomaly import Tables, handled, payment, tables, taught
from tests.functions.test_findings import GATEWAY, LESSON, made
from tests.unit.domain.builders import NOW

__all__ = ["tables"]
HOME, THIEF, WIDE, NEIGHBOUR = "203.0.113.7", "198.51.100.9", "2001:db8:1:2::9", "198.51.100.10"
UNNAMED = "198.51.100.12"
THEFT = NOW + 30 * HOUR
OPERATOR = "arn:aws:iam::123456789012:user/operator"
Result = dict[str, Any]


class Attack:
    """An agent with an incident, the step on a clock of its own, and what is blocked."""

    def __init__(self, stack: Deployed) -> None:
        self.agent = stack.agent().agent_id
        self.profiles = request.stores().profiles
        self.now = THEFT + HOUR

    def incident(self, reference: str | None = None) -> Incident:
        trigger = Trigger(BY_FINDING, "theft", "gateway", THIEF, THEFT + SECOND, 9, reference)
        incident = incidents.contain(request.stores().table, self.agent, trigger)
        assert incident is not None
        return incident

    def finding(self, number: int, *ips: str, **changes: Any) -> Finding:
        lessons = tuple(replace(LESSON, ip=ip) for ip in ips)
        return made(number, self.agent, lessons=lessons, **{"last_at": THEFT} | changes)

    def step(self, incident: Incident) -> Result:
        event = {"incident": incident.id, "agent": self.agent, "step": "sources"}
        return contain_sources.handler(event, None)

    def blocked(self) -> list[Block]:
        return [stored.block for stored in source_blocks.list_blocks(self.profiles, self.now)]


@pytest.fixture
def attack(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Attack]:
    attack = Attack(stack)
    monkeypatch.setattr(contain_sources, "_now", lambda: attack.now)
    monkeypatch.setenv("NEVER_BLOCK", "192.0.2.0/24")
    contain_sources.sources.cache_clear()
    contain_sources.core.cache_clear()
    yield attack
    contain_sources.sources.cache_clear()
    contain_sources.core.cache_clear()


def why(result: Result) -> dict[str, str]:
    return {each["address"]: each["why"] for each in result["spared"]}


def test_a_thief_who_began_quietly_is_blocked_and_the_agents_own_address_is_not(attack: Attack, tables: Tables) -> None:
    agent = attack.agent
    handled(*taught(agent))
    handled(payment(agent, 60, at=THEFT - HOUR, ip=THIEF))
    assert addresses.in_use(tables.profiles, THIEF, THEFT), "nobody was told of the first request"
    theft = payment(agent, 61, "90000.00", at=THEFT, ip=THIEF), payment(agent, 62, "90000.00", at=THEFT + 1, ip=HOME)
    handled(*theft)
    incident = attack.incident()
    result = attack.step(incident)
    assert (result["blocked"], why(result)) == ([THIEF], {HOME: "the agent used it before"})
    (block,) = attack.blocked()
    assert (block.address, block.until - block.since, block.severity) == (THIEF, DAY, 9)
    assert incident.id in block.reason


def test_what_others_use_and_what_is_never_blocked_is_spared(attack: Attack) -> None:
    Addresses(attack.profiles).note("ag_other", {NEIGHBOUR: THEFT - DAY, WIDE: THEFT - 41 * DAY})
    for agent in (attack.agent, "ag_other", attack.agent):
        Addresses(attack.profiles).note(agent, {THIEF: THEFT - HOUR})
    of_nobody = {**addresses.primary_key(UNNAMED), "used_at": THEFT - DAY}  # as they were kept before
    assert attack.profiles.put_if(of_nobody, "attribute_not_exists(pk) OR pk = :none", {":none": ""})
    Addresses(attack.profiles).note(attack.agent, {NEIGHBOUR: THEFT, UNNAMED: THEFT, "198.51.100.11": THEFT})
    attack.finding(1, THIEF, WIDE, NEIGHBOUR, UNNAMED, "192.0.2.1", "198.51.100.11", "test-invoke-source-ip")
    result = attack.step(attack.incident())
    assert result["blocked"] == ["2001:db8:1:2::/64", "198.51.100.11"]
    others = dict.fromkeys((THIEF, NEIGHBOUR, UNNAMED), "another agent uses it")
    assert why(result) == others | {"192.0.2.1": "never blocked"}


def test_only_findings_that_are_recent_and_told_of_count_or_one_that_started_it(attack: Attack) -> None:
    attack.finding(1, "198.51.100.1", last_at=THEFT - DAY - HOUR)
    attack.finding(2, "198.51.100.2", severity=4)
    released = attack.finding(3, "198.51.100.3")
    table, ended = request.stores().table, replace(released, state=RELEASED, rev=2)
    table.transact(*findings.ending(released, ended, Actor(OPERATOR, "", NOW), "finding.released"))
    old = attack.finding(4, "198.51.100.4", last_at=THEFT - 3 * DAY)
    attack.finding(5, "198.51.100.5")
    assert attack.step(attack.incident(old.id))["blocked"] == ["198.51.100.5", "198.51.100.4"]


def test_twenty_are_blocked_the_gravest_first_and_the_result_stays_small(attack: Attack) -> None:
    for number in range(4):
        ips = [f"2001:db8:1:{number}{each:02d}::1" for each in range(20)]
        attack.finding(number, *ips, severity=6 + number % 3)
    Addresses(attack.profiles).note("ag_other", {f"2001:db8:1:2{each:02d}::1": THEFT for each in range(15)})
    result = attack.step(attack.incident())
    assert len(result["blocked"]) == len(attack.blocked()) == 20
    assert result["blocked"][0] == "2001:db8:1:215::/64"
    assert (len(result["spared"]), result["spared_in_all"]) == (10, 15)
    assert len(str(result)) < 2_048


def test_another_run_says_the_same_and_nobody_is_blocked_again_whom_somebody_let_in(attack: Attack) -> None:
    attack.finding(1, THIEF, WIDE)
    incident = attack.incident()
    first = attack.step(incident)
    attack.now += HOUR
    assert attack.step(incident) == first
    assert {block.since for block in attack.blocked()} == {THEFT + HOUR}
    source_blocks.unblock(attack.profiles, THIEF, OPERATOR, "a customer", attack.now)
    assert why(attack.step(incident)) == {THIEF: "its block has ended"}
    assert [block.address for block in attack.blocked()] == ["2001:db8:1:2::/64"]


def test_a_shorter_block_gives_way_to_the_incidents_and_a_longer_one_stands(attack: Attack) -> None:
    attack.finding(1, THIEF, NEIGHBOUR)
    for address, until in ((THIEF, attack.now + SECOND), (NEIGHBOUR, attack.now + 2 * DAY)):
        assert source_blocks.begin(attack.profiles, Block(address, attack.now - 9, until, 3, 6, "forged"))
    result = attack.step(attack.incident())
    assert (result["blocked"], why(result)) == ([THIEF], {NEIGHBOUR: "blocked for longer"})
    assert {block.address: block.times for block in attack.blocked()} == {THIEF: 4, NEIGHBOUR: 3}


def test_lifting_lets_in_what_the_incident_blocked_and_nothing_else(attack: Attack) -> None:
    other = Block("198.51.100.77", attack.now, attack.now + HOUR, 1, 6, "forged")
    assert source_blocks.begin(attack.profiles, other)
    attack.finding(1, THIEF, WIDE)
    incident = attack.incident()
    attack.step(incident)
    assert incident_sources.lift(attack.profiles, "in_" + "0" * 22, OPERATOR, "over", attack.now + 1) == []
    lifted = incident_sources.lift(attack.profiles, incident.id, OPERATOR, "over", attack.now + 1)
    assert sorted(lifted) == [THIEF, "2001:db8:1:2::/64"]
    assert incident_sources.lift(attack.profiles, incident.id, OPERATOR, "over", attack.now + 1) == []
    attack.now += 1
    assert attack.blocked() == [other]
    stored = source_blocks.read(attack.profiles, THIEF)
    assert stored is not None
    assert (stored.lifted_by, stored.lift_reason) == (OPERATOR, "over")


def test_an_incident_that_is_over_blocks_nobody_and_one_that_is_none_fails(attack: Attack) -> None:
    attack.finding(1, THIEF)
    incident = attack.incident()
    over = replace(incident, state="recovered", rev=2)
    request.stores().table.transact(*incidents.writing(incident, over, GATEWAY, "incident.recovered"))
    assert attack.step(incident)["blocked"] == []
    with pytest.raises(KeyError):
        attack.step(replace(incident, id="in_" + "0" * 22))
    assert attack.blocked() == []
