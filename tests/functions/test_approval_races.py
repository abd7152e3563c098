"""What happens between the reads of an approval and its write: the write finds out, and is judged again."""

import pytest

from tests.functions.deployed import POLICY, Agent, Answer, Deployed
from tests.functions.people import Meanwhile, People, Person
from tests.functions.test_approvals import publish, refused, reserved, show


@pytest.fixture
def alice(people: People) -> Person:
    return people.first()


@pytest.fixture
def agent(stack: Deployed) -> Agent:
    return stack.agent()


@pytest.fixture
def held(stack: Deployed, agent: Agent) -> Answer:
    return stack.pay(agent, "200")


def suspend(stack: Deployed, agent: Agent) -> None:
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "drill"}, agent=agent.agent_id)


def test_a_suspension_meanwhile_freezes_it(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer, meanwhile: Meanwhile
) -> None:
    meanwhile.append(lambda: suspend(stack, agent))
    code = people.code(alice)
    answer = people.approve(alice, agent, held, code)
    assert (answer.code, "frozen" in answer.body["detail"], meanwhile) == ("state_conflict", True, [])
    assert show(stack, agent, held)["status"] == "pending_approval"
    assert refused(people.approve(alice, agent, held, code)), "its code was used"


def test_a_policy_published_meanwhile_judges_it(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer, meanwhile: Meanwhile
) -> None:
    meanwhile.append(lambda: publish(stack, agent, {**POLICY, "allowlist": {"wallets": []}}))
    assert people.approve(alice, agent, held).code == "policy_denied"
    assert (show(stack, agent, held)["status"], reserved(stack, agent)) == ("denied", 0)


def test_what_is_spent_meanwhile_leaves_no_room_for_a_higher_price(
    people: People, alice: Person, stack: Deployed, held: Answer, agent: Agent, meanwhile: Meanwhile
) -> None:
    stack.price(usd="2")
    meanwhile.append(lambda: [stack.pay(agent, "95") for _ in range(7)])
    answer = people.approve(alice, agent, held)
    assert [violation["rule"] for violation in answer.body["violations"]] == ["approval_void", "daily_limit"]
    assert show(stack, agent, held)["status"] == "denied"


def test_a_revocation_meanwhile_takes_the_code_away(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer, meanwhile: Meanwhile
) -> None:
    bob = people.another(alice)
    people.clock.ahead += 30
    meanwhile.append(lambda: people.speak(bob, "revocations", approver_id=alice.approver))
    assert refused(people.approve(alice, agent, held))
    assert show(stack, agent, held)["status"] == "pending_approval"


def test_of_two_uses_of_one_code_at_once_one_wins(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer, meanwhile: Meanwhile
) -> None:
    other, code = stack.pay(agent, "150"), people.code(alice)
    meanwhile.append(lambda: people.approve(alice, agent, other, code))
    assert refused(people.approve(alice, agent, held, code))
    assert [show(stack, agent, each)["status"] for each in (held, other)] == ["pending_approval", "approved"]
