"""The way back: two people, in one write, at low trust; and everything that stands in it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from functions.operator_api import request
from portcullis.aws import approvers, codes, incident_sources, profiles, settings, source_blocks
from portcullis.aws.changes import Actor
from portcullis.aws.codes import Presented
from portcullis.aws.dynamo import Table, to_attributes
from portcullis.aws.incident_recovery import Recovery
from portcullis.aws.policies import Policies
from portcullis.aws.profiles import Stored
from portcullis.aws.wire import Service
from portcullis.domain.approvers import Approver
from portcullis.domain.detection.profile import Episode, Profile
from portcullis.domain.detection.recent import SALT_BYTES
from portcullis.domain.detection.sources import Block
from portcullis.domain.incidents import Incident
from portcullis.domain.times import DAY, parse_rfc3339
from tests.functions.cut_off import account, close, confirm, contained, events, record, review, revoke, show, start
from tests.functions.deployed import POLICY, Agent, Answer, Deployed
from tests.functions.people import ACCOUNT, Meanwhile, People, Person
from tests.functions.settling import claim, executor, payer


@dataclass
class Case:
    """An agent that was cut off, contained and reviewed by alice, so that bob could bring it back."""

    stack: Deployed
    people: People
    alice: Person
    bob: Person
    agent: Agent
    incident: str

    def confirm(self, person: Person | None = None, **options: Any) -> Answer:
        return confirm(self.people, person or self.bob, self.incident, **options)

    def review(self, person: Person | None = None, **changes: Any) -> Answer:
        return review(self.people, person or self.alice, self.incident, **changes)


@pytest.fixture
def team(people: People) -> tuple[Person, Person]:
    alice = people.first()
    return alice, people.another(alice)


@pytest.fixture
def agent(stack: Deployed) -> Agent:
    return stack.agent()


@pytest.fixture
def case(stack: Deployed, people: People, team: tuple[Person, Person], agent: Agent) -> Case:
    case = Case(stack, people, *team, agent, contained(stack, agent))
    reviewed = case.review()
    assert reviewed.status == 200, reviewed
    return case


def refused(answer: Answer, *words: str) -> bool:
    assert answer.code == "state_conflict", answer
    assert all(word in answer.body["detail"] for word in words), answer.body["detail"]
    return True


def still_cut_off(case: Case) -> bool:
    now = account(case.agent)
    return (now.state, now.epoch, now.policy_version, now.incident) == ("suspended", 2, 1, case.incident)


def test_two_people_bring_an_agent_back_at_low_trust(case: Case) -> None:
    answer = case.confirm()
    assert (answer.status, answer.body["state"], answer.body["recovered_by"]) == (
        200,
        "recovered",
        case.bob.approver,
    )
    watched = parse_rfc3339(answer.body["watched_until"]) - parse_rfc3339(answer.body["recovered_at"])
    assert watched == 7 * DAY
    now = account(case.agent)
    assert (now.state, now.epoch, now.policy_version, now.incident) == ("active", 3, 2, None)
    assert now.live_keys == frozenset()
    policy = case.stack.operator("GET", "/v1/agents/{agent}/policy", agent=case.agent.agent_id).body["policy"]
    assert (policy["trust"], policy["limits"]["per_transaction"], policy["limits"]["daily"]) == (
        "low",
        "50.00",
        "100.00",
    )
    assert policy["allowlist"]["wallets"] == POLICY["allowlist"]["wallets"]

    (recovered,), published = events(case.stack, "agent.recovered"), events(case.stack, "policy.published")
    assert [int(event["rev"]["N"]) for event in (recovered, *published)] == [now.rev - 1, now.rev]
    assert recovered["data"]["M"]["incident"] == {"S": case.incident}
    assert len(events(case.stack, "incident.recovered")) == 1


def test_new_keys_pay_within_the_low_limits_and_old_ones_never_again(case: Case) -> None:
    assert case.confirm().status == 200
    issued = case.stack.operator("POST", "/v1/agents/{agent}/keys", {}, agent=case.agent.agent_id).body
    renewed = Agent(case.agent.agent_id, issued["key_id"], issued["secret"])
    assert case.stack.pay(renewed, "50").status == 201
    assert case.stack.pay(renewed, "51").code == "policy_denied"
    assert case.stack.pay(case.agent).code == "invalid_credentials"
    assert case.stack.call(case.agent, "GET", "/v1/whoami").code == "invalid_credentials"
    left = {item["name"] for item in show(case.stack, case.incident)["checklist"] if not item["done"]}
    assert left == {"steps", "closing"}


def test_what_it_does_once_it_is_back_is_another_finding(case: Case) -> None:
    """One that it joins is told of only where it gets graver, and the one that it was cut off for is grave already."""
    table, agent = request.stores().profiles, case.agent.agent_id
    stored = Stored(Profile.new(bytes(SALT_BYTES)))
    stored.profile.episode = Episode("fd_" + "a" * 22, 1)
    assert profiles.write(table, agent, stored)
    assert case.confirm().status == 200
    after = profiles.read(table, agent)
    assert after is not None
    assert after.profile.episode is None


def test_nothing_decided_before_comes_back(stack: Deployed, people: People, team: tuple[Person, Person]) -> None:
    alice, bob = team
    worker = executor(stack)
    agent = payer(stack, worker)
    approved, held = stack.pay(agent, "10"), stack.pay(agent, "200")
    incident = contained(stack, agent)
    review(people, alice, incident)
    assert confirm(people, bob, incident).status == 200
    stack.operator("POST", "/v1/agents/{agent}/keys", {}, agent=agent.agent_id)
    assert claim(stack, worker, agent, approved.body["id"]).code == "state_conflict"
    assert people.approve(bob, agent, held).code == "state_conflict"


def test_the_first_days_trust_is_earned_anew(case: Case) -> None:
    case.stack.operator("GET", "/v1/agents/{agent}/proposal", agent=case.agent.agent_id)
    recovered_at = case.confirm().body["recovered_at"]
    standing = case.stack.operator("GET", "/v1/agents/{agent}/proposal", agent=case.agent.agent_id).body
    assert (standing["trust"], standing["clean_since"]) == ("low", recovered_at)


def test_who_reviewed_does_not_confirm(case: Case) -> None:
    assert refused(case.confirm(case.alice), "Another person")
    assert still_cut_off(case)


def another_id(arn: str, number: int) -> Person:
    """An approver of the same user, as two ids could name one: no call can enrol it."""
    approver = Approver(f"ap_0{number:021d}", "twice", arn, "active", 1)
    secret = request.stores().roots.totp_secret_of(approver.id)
    assert secret is not None
    put = {"Put": {"Item": to_attributes(approvers.to_item(approver))}}
    request.stores().table.transact(put)
    return Person("twice", arn, approver.id, secret)


def test_a_user_of_two_ids_is_one_person(case: Case) -> None:
    assert refused(case.confirm(another_id(case.alice.arn, 1)), "Another person")
    assert still_cut_off(case)


ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/responders/session"


def test_two_people_of_one_role_are_two(
    stack: Deployed, people: People, team: tuple[Person, Person], agent: Agent
) -> None:
    carol, dave = (people.another(team[0], name, ROLE) for name in ("carol", "dave"))
    case = Case(stack, people, carol, dave, agent, contained(stack, agent))
    assert case.review().status == 200
    assert case.confirm().status == 200


def test_nobody_makes_a_second_person_of_themselves_while_an_incident_is_open(case: Case) -> None:
    carol, dave = (case.people.another(case.alice, name, ROLE) for name in ("carol", "dave"))
    assert case.review(carol, cause="the same, seen by another").status == 200
    assert refused(case.confirm(dave), "enrolled before the incident")
    assert still_cut_off(case)


@pytest.mark.parametrize("step", ["keys", "transactions"])
def test_a_step_that_is_not_done_stands_in_the_way(
    stack: Deployed, people: People, team: tuple[Person, Person], agent: Agent, step: str
) -> None:
    incident = start(stack, agent)
    revoke(stack, agent)
    record(incident, *({"keys", "transactions"} - {step}))
    review(people, team[0], incident)
    assert refused(confirm(people, team[1], incident), f"step {step}", f"portcullis incident resume {incident}")
    record(incident, step)
    assert confirm(people, team[1], incident).status == 200


def test_a_key_that_is_not_revoked_stands_in_the_way(
    stack: Deployed, people: People, team: tuple[Person, Person], agent: Agent
) -> None:
    incident = start(stack, agent)
    record(incident, "keys", "transactions")
    review(people, team[0], incident)
    command = f"portcullis keys revoke {agent.agent_id} --all"
    assert refused(confirm(people, team[1], incident), command)
    revoke(stack, agent)
    assert confirm(people, team[1], incident).status == 200


def test_nobody_has_reviewed(stack: Deployed, people: People, team: tuple[Person, Person], agent: Agent) -> None:
    incident = contained(stack, agent)
    assert refused(confirm(people, team[1], incident), "Nobody has reviewed")


def publish(case: Case, **changes: Any) -> None:
    answer = case.stack.operator(
        "PUT",
        "/v1/agents/{agent}/policy",
        {**POLICY, **changes},
        headers={"If-Match": str(account(case.agent).policy_version)},
        agent=case.agent.agent_id,
    )
    assert answer.status == 200, answer


def test_a_policy_that_nobody_has_reviewed_stands_in_the_way(case: Case) -> None:
    publish(case, limits={"per_transaction": "400", "daily": "800"})
    assert refused(case.confirm(), "Version 2", "Review again")
    assert refused(case.review(policy_version=1), "Version 2")
    assert case.review(policy_version=2).status == 200
    assert case.confirm().status == 200
    assert account(case.agent).policy_version == 3


def test_what_was_read_is_what_is_confirmed(case: Case) -> None:
    read = show(case.stack, case.incident)["review"]["at"]
    assert case.review(cause="something else", addresses="unblock").status == 200
    assert refused(case.confirm(reviewed_at=read), "another review")
    assert case.confirm().status == 200


def test_the_same_review_again_changes_nothing(case: Case) -> None:
    first = show(case.stack, case.incident)
    assert case.review().body == first
    assert len(events(case.stack, "incident.reviewed")) == 1


def test_a_reviewer_who_is_none_any_more(case: Case) -> None:
    carol = case.people.another(case.alice, "carol")
    assert case.review(carol, cause="seen by carol").status == 200
    revoked = case.people.speak(case.bob, "revocations", approver_id=carol.approver)
    assert revoked.status == 200
    assert refused(case.confirm(), "no approver any more")


def test_another_trigger_voids_the_review(case: Case) -> None:
    start(case.stack, case.agent)
    assert refused(case.confirm(), "Nobody has reviewed")
    assert case.review().status == 200
    assert case.confirm().status == 200


@pytest.mark.parametrize("act", [review, confirm])
def test_a_wrong_code_does_nothing(case: Case, act: Callable[..., Answer]) -> None:
    before = show(case.stack, case.incident)
    assert act(case.people, case.bob, case.incident, code=case.people.wrong(case.bob)).code == "forbidden"
    assert show(case.stack, case.incident) == before


def test_a_code_is_used_once_whatever_came_of_it(case: Case) -> None:
    code = case.people.code(case.bob)
    publish(case, duplicates={"within_seconds": 60})
    assert refused(case.confirm(code=code))
    case.review(policy_version=2)
    assert case.confirm(code=code).code == "forbidden"
    code = case.people.code(case.bob)
    assert case.confirm(code=code).status == 200
    assert case.confirm(code=code).code == "forbidden"


def test_no_such_incident(people: People, team: tuple[Person, Person]) -> None:
    for act in (review, confirm):
        code = people.code(team[0])
        body = {"cause": "none", "policy_version": 1, "addresses": "keep"} if act is review else {}
        what = "incident-reviews" if act is review else "recoveries"
        more = {} if act is review else {"reviewed_at": "2026-11-21T08:02:00.000Z"}
        answer = people.speak(team[0], what, code, incident_id="in_" + "0" * 22, **body, **more)
        assert answer.code == "not_found"


def test_a_recovery_that_is_repeated_is_one(case: Case) -> None:
    first, again = case.confirm(), case.confirm()
    assert (again.status, again.body) == (200, first.body)
    assert account(case.agent).epoch == 3
    assert len(events(case.stack, "agent.recovered")) == 1
    assert refused(case.review(cause="too late"), "recovered")


def test_what_was_closed_does_not_come_back(case: Case) -> None:
    assert close(case.stack, case.incident).status == 200
    assert refused(case.confirm(), "closed", "portcullis incident start")
    assert account(case.agent).state == "suspended"


def test_an_agent_that_was_only_suspended_comes_back_through_an_incident(
    stack: Deployed, people: People, team: tuple[Person, Person], agent: Agent
) -> None:
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "paused"}, agent=agent.agent_id)
    incident = contained(stack, agent)
    review(people, team[0], incident)
    assert confirm(people, team[1], incident).status == 200
    assert (account(agent).state, account(agent).epoch) == ("active", 4)


def test_a_trigger_that_comes_before_the_write_is_seen(case: Case, meanwhile: Meanwhile) -> None:
    code, read = case.people.code(case.bob), show(case.stack, case.incident)["review"]["at"]
    meanwhile.append(lambda: start(case.stack, case.agent))
    assert refused(case.confirm(code=code, reviewed_at=read), "Nobody has reviewed")
    assert still_cut_off(case)


def test_a_policy_that_is_published_before_the_write_is_seen(case: Case, meanwhile: Meanwhile) -> None:
    code, read = case.people.code(case.bob), show(case.stack, case.incident)["review"]["at"]
    meanwhile.append(lambda: publish(case, duplicates={"within_seconds": 60}))
    assert refused(case.confirm(code=code, reviewed_at=read), "Review again")
    assert account(case.agent).state == "suspended"


def test_a_reviewer_who_is_revoked_before_the_write_is_seen(case: Case, meanwhile: Meanwhile) -> None:
    carol = case.people.another(case.alice, "carol")
    case.review(carol, cause="seen by carol")
    codes = [case.people.code(person) for person in (case.alice, case.bob)]
    read = show(case.stack, case.incident)["review"]["at"]
    meanwhile.append(lambda: case.people.speak(case.alice, "revocations", codes[0], approver_id=carol.approver))
    meanwhile.append(lambda: None)  # the revocation's own write
    meanwhile.reverse()
    assert refused(case.confirm(code=codes[1], reviewed_at=read), "no approver any more")
    assert still_cut_off(case)


def test_whoever_is_cut_off_again_has_another_incident(case: Case) -> None:
    assert case.confirm().status == 200
    again = start(case.stack, case.agent)
    assert again != case.incident
    assert (account(case.agent).state, account(case.agent).epoch) == ("suspended", 4)
    assert case.confirm().body["state"] == "recovered", "a repeat of the first recovery"
    assert account(case.agent).state == "suspended"


def connection(stack: Deployed) -> tuple[Table, Recovery]:
    """A connection of its own, as each process has."""
    environment = settings.aws()
    core, profiles = (
        Table(stack.environment[name], Service("dynamodb", environment)) for name in ("CORE_TABLE", "PROFILES_TABLE")
    )
    policies = Policies(Service("s3", environment), stack.environment["POLICY_BUCKET"])
    return core, Recovery(core, profiles, policies, stack.environment["PORTCULLIS_STAGE"])


def test_of_recoveries_at_once_one_is_made(case: Case) -> None:
    carol = case.people.another(case.alice, "carol")
    read = show(case.stack, case.incident)["review"]["at"]

    def presented(person: Person) -> Presented:
        table, code = request.stores().table, case.people.code(person)
        now = case.people.clock.time_ns() // 1_000
        given = codes.present(table, request.stores().roots, person.approver, person.arn, code, now)
        assert isinstance(given, Presented)
        return given

    def one(given: tuple[int, Presented]) -> Incident | None:
        number, code = given
        actor = Actor(code.approver.identity, "::1", case.people.clock.time_ns() // 1_000 + number)
        return connection(case.stack)[1].confirm(actor, case.incident, read, code)

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(one, enumerate([presented(case.bob), presented(carol)]))
    assert first is not None
    assert first == second
    assert (account(case.agent).epoch, account(case.agent).policy_version) == (3, 2)
    assert len(events(case.stack, "incident.recovered")) == len(events(case.stack, "agent.recovered")) == 1


class Twice(Table):
    """Its transactions are sent again by the connection, for the answer to the first was lost."""

    def transact(self, *actions: dict[str, Any]) -> None:
        super().transact(*actions)
        super().transact(*actions)


def test_a_recovery_whose_answer_was_lost_is_one(case: Case) -> None:
    now, read = case.people.clock.time_ns() // 1_000, show(case.stack, case.incident)["review"]["at"]
    own = request.stores()
    code = codes.present(
        own.table, own.roots, case.bob.approver, case.bob.arn, case.people.code(case.bob), now + 30_000_000
    )
    assert isinstance(code, Presented)
    twice = Twice(own.table.name, Service("dynamodb", settings.aws()))
    found = Recovery(twice, own.profiles, own.policies, own.stage).confirm(
        Actor(case.bob.arn, "::1", now), case.incident, read, code
    )
    assert found is not None
    assert (found.state, account(case.agent).epoch) == ("recovered", 3)


def test_nobody_comes_back_in_a_lockdown(case: Case, meanwhile: Meanwhile) -> None:
    def lock() -> None:
        assert case.stack.operator("POST", "/v1/lockdown", {"reason": "many keys"}).status == 200

    code, read = case.people.code(case.bob), show(case.stack, case.incident)["review"]["at"]
    meanwhile.append(lock)
    assert refused(case.confirm(code=code, reviewed_at=read), "lockdown")
    assert refused(case.confirm(), "lockdown")
    assert still_cut_off(case)


def test_addresses_are_let_in_again_where_the_review_says_so(case: Case) -> None:
    now = case.people.clock.time_ns() // 1_000
    own = Block("203.0.113.77", now, now + DAY, 1, 8, "of the incident")
    other = replace(own, address="203.0.113.78")
    profiles = request.stores().profiles
    assert source_blocks.begin(profiles, own, incident=case.incident)
    assert source_blocks.begin(profiles, other)
    assert case.review(addresses="unblock").status == 200
    answer = case.confirm()
    assert {item["name"]: item["done"] for item in answer.body["checklist"]}["addresses"]
    assert [each.block.address for each in source_blocks.list_blocks(profiles, now + DAY // 2)] == [other.address]


def test_addresses_that_could_not_be_let_in_are_by_a_repeat(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    now = case.people.clock.time_ns() // 1_000
    block = Block("203.0.113.77", now, now + DAY, 1, 8, "of the incident")
    assert source_blocks.begin(request.stores().profiles, block, incident=case.incident)
    case.review(addresses="unblock")
    with monkeypatch.context() as patch:
        patch.setattr(incident_sources, "lift", lambda *_: None)
        left = {item["name"]: item.get("command", "") for item in case.confirm().body["checklist"]}
    assert "--confirm" in left["addresses"]
    assert case.confirm().status == 200
    assert source_blocks.list_blocks(request.stores().profiles, now + DAY // 2) == []
