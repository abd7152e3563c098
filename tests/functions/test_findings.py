"""What operators do with findings and profiles: read, release, reset; also while detection goes on working."""

from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from functions.operator_api import request
from portcullis.aws import detection_changes, findings, profiles, settings
from portcullis.aws.changes import Actor
from portcullis.aws.dynamo import Table
from portcullis.aws.profiles import Stored
from portcullis.aws.wire import Service
from portcullis.domain.detection import places
from portcullis.domain.detection.findings import CLOSED, Finding, Lesson
from portcullis.domain.detection.profile import Episode, Profile
from portcullis.domain.detection.signals import Signal
from portcullis.domain.times import SECOND
from tests.functions.deployed import Answer, Deployed

START = 1_700_000_000 * SECOND
GATEWAY = Actor("gateway", "203.0.113.7", START)
OPERATOR = Actor("arn:aws:iam::123456789012:user/operator", "198.51.100.4", START + 60 * SECOND)
LESSON = Lesson(START, 9_000_000_000, "transfer USDC base wallet", "base 0x1", "203.0.113.7", "DE")


def agent_of(number: int) -> str:
    return f"ag_{number:022d}"


def made(number: int, agent: str, **changes: Any) -> Finding:
    """An open finding that was told of and that the agent's profile names; ids rise with ``number``."""
    finding = Finding(
        id=f"fd_{number:022d}",
        agent=agent,
        keys=("pk_test_" + "1" * 28,),
        signals=(Signal("amount", "9,000 USD, usually 12", 6, "9000", "80"),),
        severity=6,
        surprise=4_200,
        count=1,
        evidence=(f"tx_{number:022d}#1",),
        lessons=(LESSON,),
        opened_at=START + number * SECOND,
        last_at=START + number * SECOND,
    )
    finding = replace(finding, **changes)
    stored = profiles.read(request.stores().profiles, agent) or Stored(Profile.new(b"saltsalt"))
    stored.profile.episode = Episode(finding.id, finding.last_at)
    written = profiles.writing(request.stores().profiles, agent, stored)
    request.stores().table.transact(*findings.opening(finding, GATEWAY), written)
    return finding


def release(stack: Deployed, finding: str, reason: str = "a new supplier") -> Answer:
    return stack.operator("POST", "/v1/findings/{finding}/release", {"reason": reason}, finding=finding)


def listed(stack: Deployed, query: str = "") -> list[str]:
    found, cursor = [], ""
    while True:
        page = stack.operator("GET", f"/v1/findings?limit=2{query}{cursor}").body
        found += [finding["id"] for finding in page["findings"]]
        if page["cursor"] is None:
            return found
        cursor = f"&cursor={page['cursor']}"


def events(stack: Deployed, type_: str) -> list[dict[str, Any]]:
    return [item for item in stack.items() if item.get("type") == {"S": type_}]


def profile_of(agent: str) -> Profile:
    stored = profiles.read(request.stores().profiles, agent)
    assert stored is not None
    return stored.profile


def knows(profile: Profile, lesson: Lesson = LESSON) -> bool:
    place = profile.conduct.places.find(places.source_of(lesson.ip, lesson.country, ""), lesson.at // SECOND)
    return place is not None and place.is_known


class Interrupted(Table):
    """A connection of its own; the first transaction finds that ``meanwhile`` happened since it was prepared."""

    def __init__(self, name: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        super().__init__(name, Service("dynamodb", settings.aws()))
        self._left = [meanwhile]

    def transact(self, *actions: dict[str, Any]) -> None:
        if self._left:
            self._left.pop()()
        super().transact(*actions)


def test_open_findings_are_listed_newest_first_and_others_when_asked_for(stack: Deployed) -> None:
    for number in range(5):
        made(number, agent_of(number % 2))
    release(stack, f"fd_{3:022d}")

    def ids(*numbers: int) -> list[str]:
        return [f"fd_{number:022d}" for number in numbers]

    assert listed(stack) == ids(4, 2, 1, 0)
    assert listed(stack, "&state=released") == ids(3)
    assert listed(stack, "&state=all") == ids(4, 3, 2, 1, 0)
    assert listed(stack, f"&agent={agent_of(1)}") == ids(1)
    assert listed(stack, f"&agent={agent_of(1)}&state=all") == ids(3, 1)
    assert listed(stack, f"&agent={agent_of(0)}&state=open") == ids(4, 2, 0)
    assert listed(stack, f"&agent={agent_of(7)}") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [("state=done", "state"), ("agent=ag_1", "agent"), ("cursor=x", "cursor"), ("limit=0", "limit")],
)
def test_a_list_that_cannot_be_says_which_part(stack: Deployed, query: str, field: str) -> None:
    answer = stack.operator("GET", f"/v1/findings?{query}")
    assert (answer.code, answer.body["field"]) == ("malformed_request", field)


def test_a_finding_is_explained(stack: Deployed) -> None:
    finding = made(1, agent_of(1))
    explained = stack.operator("GET", "/v1/findings/{finding}", finding=finding.id).body
    assert explained["signals"] == [
        {"name": "amount", "detail": "9,000 USD, usually 12", "severity": 6, "value": "9000", "threshold": "80"}
    ]
    assert explained["transaction_ids"] == [finding.evidence[0].partition("#")[0]]
    assert explained["addresses"] == [{"ip": "203.0.113.7", "country": "DE"}]
    assert f'portcullis findings release {finding.id} --reason "…"' in [step["command"] for step in explained["next"]]


@pytest.mark.parametrize("id_", ["fd_" + "9" * 22, "fd_1", "FINDINGS#open"])
def test_what_is_not_there_is_neither_explained_nor_released(stack: Deployed, id_: str) -> None:
    assert stack.operator("GET", "/v1/findings/{finding}", finding=id_).code == "not_found"
    assert release(stack, id_).code == "not_found"


def test_a_release_is_told_and_learnt_in_one_write(stack: Deployed) -> None:
    finding = made(1, agent_of(1))
    assert not knows(profile_of(finding.agent))
    released = release(stack, finding.id).body

    assert (released["state"], released["reason"], released["closed_by"]) == (
        "released",
        "a new supplier",
        stack.caller,
    )
    (event,) = events(stack, "finding.released")
    assert (event["rev"], event["agent"], event["verified"]) == ({"N": "2"}, {"S": finding.agent}, {"BOOL": False})
    assert event["data"]["M"]["actor"] == {"S": stack.caller}
    assert event["data"]["M"]["reason"] == {"S": "a new supplier"}
    profile = profile_of(finding.agent)
    assert knows(profile)
    assert profile.episode is None


def test_a_second_release_changes_nothing_and_answers_the_same(stack: Deployed) -> None:
    finding = made(1, agent_of(1))
    first = release(stack, finding.id)
    before = stack.items("PROFILES_TABLE")
    assert release(stack, finding.id, "another reason").body == first.body
    assert len(events(stack, "finding.released")) == 1
    assert stack.items("PROFILES_TABLE") == before


def test_a_finding_that_was_closed_teaches_nothing(stack: Deployed) -> None:
    finding = made(1, agent_of(1))
    closed = replace(finding, state=CLOSED, rev=2)
    request.stores().table.transact(*findings.ending(finding, closed, GATEWAY, "finding.updated"))
    answer = release(stack, finding.id)
    assert (answer.code, "closed" in answer.body["detail"]) == ("state_conflict", True)
    assert not knows(profile_of(finding.agent))


@pytest.mark.parametrize("reason", ["", "x" * 129, "two\nlines"])
def test_a_reason_is_asked_for_and_bounded(stack: Deployed, reason: str) -> None:
    finding = made(1, agent_of(1))
    answer = release(stack, finding.id, reason)
    assert (answer.code, answer.body["field"]) == ("malformed_request", "reason")


def test_a_release_of_an_older_finding_leaves_the_open_episode_alone(stack: Deployed) -> None:
    older, newer = made(1, agent_of(1)), made(2, agent_of(1))
    release(stack, older.id)
    assert profile_of(older.agent).episode == Episode(newer.id, newer.last_at)


def test_of_two_releases_at_once_one_is_told_and_nothing_is_learnt_twice(stack: Deployed) -> None:
    finding = made(1, agent_of(1))
    name, core = stack.environment["PROFILES_TABLE"], stack.environment["CORE_TABLE"]

    def one(number: int) -> Finding | None:
        actor = replace(OPERATOR, now=OPERATOR.now + number)
        return detection_changes.release(Interrupted(core), Interrupted(name), actor, finding.id, f"reason {number}")

    with ThreadPoolExecutor(8) as threads:
        outcomes = set(threads.map(one, range(8)))
    assert len(outcomes) == 1
    assert len(events(stack, "finding.released")) == 1
    (stored,) = stack.items("PROFILES_TABLE")
    assert stored["version"] == {"N": "2"}


def test_a_release_and_requests_that_join_the_finding_meanwhile_lose_nothing(stack: Deployed) -> None:
    finding = made(1, agent_of(1))
    other = replace(LESSON, ip="198.51.100.77", country=None)
    joined = replace(finding, count=2, lessons=(LESSON, other), last_at=finding.last_at + SECOND)

    def join() -> None:
        stored = profiles.read(request.stores().profiles, finding.agent)
        assert stored is not None
        stored.profile.recent.add("tx_2#1", START)
        written = profiles.writing(request.stores().profiles, finding.agent, stored)
        request.stores().table.transact(*findings.joining(finding, joined, GATEWAY), written)

    core = Interrupted(stack.environment["CORE_TABLE"], join)
    released = detection_changes.release(core, request.stores().profiles, OPERATOR, finding.id, "legitimate")
    assert released is not None
    assert (released.state, released.count, released.lessons) == ("released", 2, joined.lessons)
    profile = profile_of(finding.agent)
    assert knows(profile)
    assert knows(profile, other)
    assert "tx_2#1" in profile.recent


def test_what_a_batch_learns_during_a_release_is_kept(stack: Deployed) -> None:
    finding = made(1, agent_of(1))

    def learn() -> None:
        stored = profiles.read(request.stores().profiles, finding.agent)
        assert stored is not None
        stored.profile.recent.add("tx_3#1", START)
        assert profiles.write(request.stores().profiles, finding.agent, stored)

    core = Interrupted(stack.environment["CORE_TABLE"], learn)
    detection_changes.release(core, request.stores().profiles, OPERATOR, finding.id, "legitimate")
    profile = profile_of(finding.agent)
    assert knows(profile)
    assert "tx_3#1" in profile.recent


def shown(stack: Deployed, agent: str) -> Answer:
    return stack.operator("GET", "/v1/agents/{agent}/profile", agent=agent)


def reset(stack: Deployed, agent: str) -> Answer:
    return stack.operator("POST", "/v1/agents/{agent}/profile/reset", {"reason": "pays salaries now"}, agent=agent)


def test_of_an_agent_that_has_done_nothing_the_profile_says_so(stack: Deployed) -> None:
    profile = shown(stack, stack.agent().agent_id).body
    assert (profile["payments"], profile["warm_up"], profile["amount"], profile["export"]) == (0, True, None, None)


def test_a_profile_is_shown_and_its_export_is_the_profile(stack: Deployed) -> None:
    agent = stack.agent().agent_id
    finding = made(1, agent)
    assert shown(stack, agent).body["open_finding"] == finding.id
    release(stack, finding.id)
    profile = shown(stack, agent).body
    assert profile["open_finding"] is None
    assert [(each["country"], each["known"]) for each in profile["addresses"]] == [("DE", True)]
    assert profile["export"]["version"] == 1
    assert b64decode(profile["export"]["packed"]) == profile_of(agent).pack()


def test_a_reset_forgets_what_is_usual_but_not_which_events_were_seen(stack: Deployed) -> None:
    agent = stack.agent().agent_id
    release(stack, made(1, agent).id)
    stored = profiles.read(request.stores().profiles, agent)
    assert stored is not None
    stored.profile.recent.add("tx_1#1", START)
    assert profiles.write(request.stores().profiles, agent, stored)
    learnt = stored.profile.behaviour.seen

    answer = reset(stack, agent).body
    assert (answer["payments"], answer["addresses"]) == (0, [])
    assert "tx_1#1" in profile_of(agent).recent
    (event,) = events(stack, "profile.reset")
    assert event["data"]["M"]["payments"] == {"N": str(learnt)}
    assert event["data"]["M"]["reason"] == {"S": "pays salaries now"}
    assert reset(stack, agent).body == answer
    assert len(events(stack, "profile.reset")) == 1


def test_a_reset_reads_again_what_a_batch_has_written_meanwhile(stack: Deployed) -> None:
    agent = stack.agent().agent_id
    release(stack, made(1, agent).id)

    def learn() -> None:
        stored = profiles.read(request.stores().profiles, agent)
        assert stored is not None
        stored.profile.recent.add("tx_3#1", START)
        assert profiles.write(request.stores().profiles, agent, stored)

    core = Interrupted(stack.environment["CORE_TABLE"], learn)
    assert detection_changes.reset(core, request.stores().profiles, OPERATOR, agent, "new purpose") is not None
    profile = profile_of(agent)
    assert not knows(profile)
    assert "tx_3#1" in profile.recent


def test_a_profile_that_cannot_be_read_says_so_and_can_be_reset(stack: Deployed) -> None:
    agent = stack.agent().agent_id
    finding = made(1, agent)
    item = {"pk": f"AGENT#{agent}", "profile": b"\xff", "version": 9}
    assert request.stores().profiles.put_if(item, "version = :one", {":one": 1})
    for answer in (shown(stack, agent), release(stack, finding.id)):
        assert (answer.code, "Reset" in answer.body["detail"]) == ("state_conflict", True)

    assert reset(stack, agent).body["payments"] == 0
    (event,) = events(stack, "profile.reset")
    assert event["data"]["M"]["payments"] == {"NULL": True}
    assert release(stack, finding.id).status == 200


def test_profiles_are_those_of_agents(stack: Deployed) -> None:
    for agent in (agent_of(1), "ag_1"):
        assert shown(stack, agent).code == "not_found"
        assert reset(stack, agent).code == "not_found"
