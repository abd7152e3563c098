"""People who approve: bound to content, person and moment, judged anew, each code and each approval good once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.operator_api import request
from portcullis.protocol.totp import PERIOD_SECONDS
from tests.functions.deployed import POLICY, Agent, Answer, Deployed
from tests.functions.people import People, Person, approval, user
from tests.functions.test_races import SerialService

HOUR = 3600


@pytest.fixture
def alice(people: People) -> Person:
    return people.first()


@pytest.fixture
def agent(stack: Deployed) -> Agent:
    return stack.agent()


@pytest.fixture
def held(stack: Deployed, agent: Agent) -> Answer:
    answer = stack.pay(agent, "200")
    assert answer.status == 202, answer
    return answer


def policy(**tiers: Any) -> dict[str, Any]:
    """POLICY with other tiers."""
    return {**POLICY, "tiers": {**POLICY["tiers"], **tiers}}


def publish(stack: Deployed, agent: Agent, document: dict[str, Any]) -> None:
    path = "/v1/agents/{agent}/policy"
    assert stack.operator("PUT", path, document, headers={"If-Match": '"1"'}, agent=agent.agent_id).status == 200


def show(stack: Deployed, agent: Agent, held: Answer) -> dict[str, Any]:
    path = "/v1/agents/{agent}/transactions/{id}"
    return stack.operator("GET", path, agent=agent.agent_id, id=held.body["id"]).body


def reserved(stack: Deployed, agent: Agent) -> int:
    """Micro-USD in the day's window."""
    (account,) = [
        item for item in stack.items() if item["pk"]["S"] == f"AGENT#{agent.agent_id}" and item["sk"]["S"] == "ACCOUNT"
    ]
    return sum(int(value["N"]) for name, value in account.items() if name[0] == "d" and name[1:].isdigit())


def refused(answer: Answer) -> bool:
    return (answer.status, answer.code) == (403, "forbidden") and "not accepted" in answer.body["detail"]


def test_a_person_approves_what_is_held(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer
) -> None:
    answer = people.approve(alice, agent, held)
    assert (answer.status, answer.body["status"]) == (200, "approved")
    assert (answer.body["approved_by"], answer.body["updated_by"]) == ([alice.approver], alice.approver)
    assert show(stack, agent, held) == answer.body
    assert reserved(stack, agent) == 200_000_000


def test_an_approval_is_good_once(people: People, alice: Person, agent: Agent, held: Answer) -> None:
    body = {**approval(agent, held), "code": people.code(alice)}
    path = "/v1/approvers/{approver}/approvals"
    assert people.call(alice, "POST", path, body, approver=alice.approver).status == 200
    assert refused(people.call(alice, "POST", path, body, approver=alice.approver)), "the same request again"
    again = people.approve(alice, agent, held)
    assert (again.status, again.code) == (409, "state_conflict")


def test_a_code_that_approved_one_does_not_approve_another(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer
) -> None:
    other, code = stack.pay(agent, "201"), people.code(alice)
    assert people.approve(alice, agent, held, code).status == 200
    assert refused(people.approve(alice, agent, other, code))
    assert show(stack, agent, other)["status"] == "pending_approval"


def test_a_code_is_used_up_by_what_cannot_be(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer
) -> None:
    done, code = stack.pay(agent, "1"), people.code(alice)
    assert people.approve(alice, agent, done, code).code == "state_conflict"
    assert refused(people.approve(alice, agent, held, code))


def test_altered_content_is_not_approved(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer
) -> None:
    other = stack.pay(agent, "201")
    answer = people.approve(alice, agent, held, content_sha256=other.body["content_sha256"])
    assert (answer.status, answer.code) == (409, "state_conflict")
    assert "content" in answer.body["detail"]
    assert show(stack, agent, held)["status"] == "pending_approval"


def test_what_has_expired_is_not_approved(people: People, alice: Person, agent: Agent, held: Answer) -> None:
    people.clock.ahead += HOUR
    assert people.approve(alice, agent, held).code == "state_conflict"


def test_nothing_is_approved_after_a_freeze(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer
) -> None:
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "drill"}, agent=agent.agent_id)
    answer = people.approve(alice, agent, held)
    assert (answer.status, answer.code) == (409, "state_conflict")
    assert "frozen" in answer.body["detail"]


def test_a_revoked_approver_approves_nothing(people: People, alice: Person, agent: Agent, held: Answer) -> None:
    bob = people.another(alice)
    assert people.speak(bob, "revocations", approver_id=alice.approver).status == 200
    assert refused(people.approve(alice, agent, held))


def test_a_wrong_code_approves_nothing(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer
) -> None:
    assert refused(people.approve(alice, agent, held, people.wrong(alice)))
    assert show(stack, agent, held)["status"] == "pending_approval"


def test_anothers_identity_approves_nothing(people: People, alice: Person, agent: Agent, held: Answer) -> None:
    thief = Person("eve", user("eve"), alice.approver, alice.secret)
    assert refused(people.approve(thief, agent, held))


def test_an_unknown_transaction_is_not_found(people: People, alice: Person, agent: Agent, held: Answer) -> None:
    assert people.approve(alice, agent, held, transaction_id="tx_" + "0" * 22).code == "not_found"
    assert people.approve(alice, agent, held, agent_id="ag_" + "0" * 22).code == "not_found"


def test_of_racing_approvers_one_wins(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = "arn:aws:sts::123456789012:assumed-role/Approvers/x"
    crew = [people.another(alice, f"person{number}", role) for number in range(3)]
    calls = [(person.approver, {**approval(agent, held), "code": people.code(person)}) for person in crew]
    people.clock.ahead -= PERIOD_SECONDS
    stack.caller = role
    request.stores.cache_clear()
    monkeypatch.setattr(request, "Service", SerialService)

    def approve(call: tuple[str, Any]) -> Answer:
        return stack.operator("POST", "/v1/approvers/{approver}/approvals", call[1], approver=call[0])

    with ThreadPoolExecutor(len(calls)) as threads:
        answers = list(threads.map(approve, calls))
    assert sorted(answer.status for answer in answers) == [200, 409, 409]
    assert len(show(stack, agent, held)["approved_by"]) == 1


def test_four_eyes_are_two_people(people: People, alice: Person, stack: Deployed) -> None:
    agent = stack.agent(policy(humans=2))
    held, bob = stack.pay(agent, "200"), people.another(alice)
    first = people.approve(alice, agent, held)
    assert (first.body["status"], first.body["approval"]["missing"]) == ("pending_approval", ["human"])
    again = people.approve(alice, agent, held)
    assert (again.code, "same approver" in again.body["detail"]) == ("state_conflict", True)
    second = people.approve(bob, agent, held)
    assert (second.body["status"], second.body["approved_by"]) == ("approved", [alice.approver, bob.approver])


def test_a_denial_releases_the_budget_and_says_why(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer
) -> None:
    body = {"agent_id": agent.agent_id, "transaction_id": held.body["id"], "reason": "unknown invoice"}
    answer = people.speak(alice, "denials", **body)
    assert (answer.body["status"], answer.body["outcome"]) == ("denied", "unknown invoice")
    assert [violation["rule"] for violation in answer.body["violations"]] == ["approval_refused"]
    assert reserved(stack, agent) == 0
    assert people.approve(alice, agent, held).code == "state_conflict"


def test_a_price_that_makes_it_too_large_voids_it(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer
) -> None:
    stack.price(usd="3")
    answer = people.approve(alice, agent, held)
    assert (answer.status, answer.code) == (403, "policy_denied")
    rules = [violation["rule"] for violation in answer.body["violations"]]
    assert rules == ["approval_void", "per_transaction_limit"]
    assert (show(stack, agent, held)["status"], reserved(stack, agent)) == ("denied", 0)


def test_a_price_that_has_moved_is_booked(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer
) -> None:
    assert stack.pay(agent, "10").status == 201
    stack.price(usd="2")
    answer = people.approve(alice, agent, held)
    assert (answer.body["status"], answer.body["usd"]) == ("approved", "400.00")
    assert reserved(stack, agent) == 410_000_000


def test_its_own_reservation_is_not_counted_against_it(people: People, alice: Person, stack: Deployed) -> None:
    limits = {"per_transaction": "200", "daily": "200", "weekly": "200", "hourly_count": 1}
    agent = stack.agent({**POLICY, "limits": limits})
    assert people.approve(alice, agent, stack.pay(agent, "200")).body["status"] == "approved"


def test_what_others_have_reserved_is(people: People, alice: Person, stack: Deployed) -> None:
    agent = stack.agent()
    held, _ = stack.pay(agent, "300"), stack.pay(agent, "300")
    publish(stack, agent, {**POLICY, "limits": {"per_transaction": "500", "daily": "599.99"}})
    answer = people.approve(alice, agent, held)
    assert [violation["rule"] for violation in answer.body["violations"]] == ["approval_void", "daily_limit"]


def test_a_policy_that_forbids_it_by_now_voids_it(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer
) -> None:
    publish(stack, agent, {**POLICY, "allowlist": {"wallets": []}})
    answer = people.approve(alice, agent, held)
    assert [violation["rule"] for violation in answer.body["violations"]] == [
        "approval_void",
        "destination_not_allowlisted",
    ]
    assert reserved(stack, agent) == 0


def test_a_refused_approval_voids_nothing(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer
) -> None:
    publish(stack, agent, {**POLICY, "allowlist": {"wallets": []}})
    assert people.approve(alice, agent, held, content_sha256="0" * 64).code == "state_conflict"
    assert show(stack, agent, held)["status"] == "pending_approval"


def test_a_policy_that_asks_for_more_people_gets_them(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer
) -> None:
    publish(stack, agent, policy(humans=2))
    answer = people.approve(alice, agent, held)
    assert (answer.body["status"], answer.body["approval"]["missing"]) == ("pending_approval", ["human"])
    assert (answer.body["policy"]["version"], answer.body["approved_by"]) == (2, [alice.approver])


def test_a_policy_that_asks_for_less_changes_nothing(people: People, alice: Person, stack: Deployed) -> None:
    agent = stack.agent(policy(humans=2))
    held = stack.pay(agent, "200")
    publish(stack, agent, policy(human_above="500", risk_from="500"))
    assert people.approve(alice, agent, held).body["approval"]["missing"] == ["human"]


def test_an_operator_cancels_what_nobody_has_claimed(
    people: People, alice: Person, stack: Deployed, agent: Agent, held: Answer
) -> None:
    path, names = "/v1/agents/{agent}/transactions/{id}/cancel", {"agent": agent.agent_id, "id": held.body["id"]}
    answer = stack.operator("POST", path, {"reason": "asked for in error"}, **names)
    assert (answer.body["status"], answer.body["updated_by"]) == ("cancelled", stack.caller)
    assert reserved(stack, agent) == 0
    assert people.approve(alice, agent, held).code == "state_conflict"
    assert stack.operator("POST", path, {"reason": "x"}, **{**names, "id": "nonsense"}).code == "not_found"


def lease_over(stack: Deployed, agent: Agent, paid: Answer) -> None:
    """A claim whose executor was never heard of again."""
    stack.dynamodb.update_item(
        TableName=stack.environment["CORE_TABLE"],
        Key={"pk": {"S": f"AGENT#{agent.agent_id}"}, "sk": {"S": f"TX#{paid.body['id']}"}},
        UpdateExpression="SET #status = :status REMOVE expires_at",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": "needs_reconciliation"}},
    )


@pytest.mark.parametrize(("outcome", "kept"), [("settled", 10_000_000), ("failed", 0)])
def test_a_person_finds_out_whether_it_was_paid(
    people: People, alice: Person, stack: Deployed, agent: Agent, outcome: str, kept: int
) -> None:
    paid = stack.pay(agent, "10")
    body = {"agent_id": agent.agent_id, "transaction_id": paid.body["id"], "outcome": outcome, "reference": "0xabc"}
    assert people.speak(alice, "reconciliations", **body).code == "state_conflict"
    lease_over(stack, agent, paid)
    answer = people.speak(alice, "reconciliations", **body)
    assert (answer.body["status"], answer.body["outcome"]) == (outcome, "0xabc")
    assert reserved(stack, agent) == kept
    code = people.code(alice)
    assert people.speak(alice, "reconciliations", code, **body).body["status"] == outcome, "the same again"
    assert refused(people.speak(alice, "reconciliations", code, **body)), "and its code was used"


@pytest.mark.parametrize(
    ("field", "value"),
    [("agent_id", "ag_1"), ("transaction_id", "tx_1"), ("content_sha256", "0" * 63), ("code", "12345a")],
)
def test_a_malformed_approval_is_named(
    people: People, alice: Person, agent: Agent, held: Answer, field: str, value: str
) -> None:
    body = {**approval(agent, held), "code": "123456", field: value}
    answer = people.call(alice, "POST", "/v1/approvers/{approver}/approvals", body, approver=alice.approver)
    assert (answer.status, answer.body["field"]) == (400, field)
