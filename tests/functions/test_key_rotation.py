"""Rotation by operators: what the successor inherits, retries, emergencies, and what a list says of age and end."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from functions.operator_api import request
from portcullis.aws import accounts, key_records, settings
from portcullis.aws.dynamo import Table
from portcullis.aws.key_succession import succeed
from portcullis.aws.ledger import Ledger, Rejected
from portcullis.aws.policies import Policies
from portcullis.aws.wire import Service
from portcullis.domain.account import MAX_LIVE_KEYS
from portcullis.domain.record import Principal, Record
from portcullis.domain.times import DAY, HOUR, SECOND, parse_rfc3339, rfc3339
from portcullis.domain.transaction import parse_transaction
from portcullis.protocol import keys
from tests.functions.deployed import POLICY, WALLET, Agent, Answer, Deployed, unique
from tests.functions.test_succession import actor, live, record, successor

PATH = "/v1/agents/{agent}/keys/{key}/rotate"
PUBLIC_KEYS = ("A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
SCOPES = ["transactions:read", "transactions:create"]


def rotate(stack: Deployed, agent: Agent, body: dict[str, Any] | None = None, key: str | None = None) -> Answer:
    headers = {"Idempotency-Key": key} if key else None
    return stack.operator("POST", PATH, body, headers=headers, agent=agent.agent_id, key=agent.key_id)


def rotated(stack: Deployed, agent: Agent, **body: Any) -> Agent:
    answer = rotate(stack, agent, body)
    assert answer.status == 201, answer
    return Agent(agent.agent_id, answer.body["key_id"], answer.body["secret"])


def ed25519(stack: Deployed) -> Agent:
    agent = stack.agent().agent_id
    issued = stack.operator("POST", "/v1/agents/{agent}/keys", {"public_key": PUBLIC_KEYS[0]}, agent=agent)
    return Agent(agent, issued.body["key_id"], "")


def listed(stack: Deployed, agent: Agent) -> dict[str, Any]:
    answer = stack.operator("GET", "/v1/agents/{agent}/keys", agent=agent.agent_id)
    return next(key for key in answer.body["keys"] if key["key_id"] == agent.key_id)


def change(agent: Agent, **sets: Any) -> None:
    request.stores().table.transact(key_records.update(record(agent), sets))


def events(stack: Deployed, agent: Agent) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.operator("GET", "/v1/agents/{agent}/events", agent=agent.agent_id).body[
        "events"
    ]
    return found


def test_a_successor_may_do_what_its_parent_may_and_no_more(stack: Deployed) -> None:
    given: dict[str, Any] = {
        "scopes": SCOPES,
        "ip_ranges": ["203.0.113.0/24"],
        "rate": {"per_minute": 60, "burst": 5},
        "key_class": "high_value",
        "self_rotation": True,
        "expires_at": rfc3339(actor().now + 90 * DAY),
    }
    old = stack.agent(**given)
    answer = rotate(stack, old)

    assert {name: answer.body[name] for name in given} == given
    assert (answer.body["parent"], answer.body["state"], answer.body["version"]) == (old.key_id, "active", 1)
    overlap = parse_rfc3339(answer.body["parent_ends_at"]) - parse_rfc3339(answer.body["created_at"])
    assert abs(overlap - 24 * HOUR) <= 1000, "the stage's, when none is given"
    new = Agent(old.agent_id, answer.body["key_id"], answer.body["secret"])
    assert stack.pay(old).status == stack.pay(new).status == 201


def test_the_successor_of_a_retiring_key_inherits_its_expiry_and_not_the_end_of_its_overlap(stack: Deployed) -> None:
    expiry = actor().now + 90 * DAY
    for given in (None, rfc3339(expiry)):
        old = stack.agent(expires_at=given)
        first = rotated(stack, old, overlap_seconds=60)
        second = rotated(stack, old, overlap_seconds=3600)
        ends = [record(each).ends_at for each in (first, second)]
        assert [end and rfc3339(end) for end in ends] == [given, given]


def test_an_overlap_does_not_outlast_an_expiry(stack: Deployed) -> None:
    expiry = rfc3339(actor().now + HOUR)
    answer = rotate(stack, stack.agent(expires_at=expiry), {"overlap_seconds": 7200})
    assert answer.body["parent_ends_at"] == answer.body["expires_at"] == expiry


def test_a_retry_shows_the_same_secret_and_makes_nothing(stack: Deployed) -> None:
    for overlap in (0, 60, None):
        old, key = stack.agent(), unique("rotate")
        body = {} if overlap is None else {"overlap_seconds": overlap}
        first = rotate(stack, old, body, key)
        before = stack.items()
        assert rotate(stack, old, body, key).body == first.body
        assert stack.items() == before


def test_a_retry_after_ten_minutes_shows_no_secret(stack: Deployed) -> None:
    old, key = stack.agent(), unique("rotate")
    new = rotate(stack, old, {}, key).body
    change(Agent(old.agent_id, new["key_id"], new["secret"]), created_at=actor().now - 601 * SECOND)
    again = rotate(stack, old, {}, key)
    assert (again.code, "secret" in again.body) == ("idempotency_conflict", False)


def test_a_retry_that_asks_for_an_emergency_is_not_answered_as_if_it_were_one(stack: Deployed) -> None:
    old, key = stack.agent(), unique("rotate")
    rotate(stack, old, {"overlap_seconds": 3600}, key)
    again = rotate(stack, old, {"overlap_seconds": 0}, key)
    assert (again.code, "secret" in again.body) == ("idempotency_conflict", False)


def test_a_new_generation_is_taken_up(stack: Deployed) -> None:
    old = stack.agent()
    item = {"pk": {"S": "ROOT"}, "sk": {"S": "GENERATION"}, "generation": {"S": "1"}}
    stack.dynamodb.put_item(TableName=stack.environment["CORE_TABLE"], Item=item)
    new = rotated(stack, old)
    assert [keys.parse_key_id(each.key_id).generation for each in (old, new)] == ["0", "1"]
    assert stack.pay(old).status == stack.pay(new).status == 201


def test_an_emergency_takes_what_a_thief_has_made_of_the_key_with_it(stack: Deployed) -> None:
    old = stack.agent(rate={"per_minute": 60, "burst": 5})
    stolen = successor(old, lineage=old.key_id)
    succeed(request.stores().table, actor(), old.key_id, stolen, HOUR)
    thief = Agent(old.agent_id, stolen.key_id, request.stores().roots.secret_of(stolen.key_id) or "")
    assert stack.pay(old).status == stack.pay(thief).status == 201

    new = rotated(stack, old, overlap_seconds=0)
    assert stack.pay(old).code == stack.pay(thief).code == "invalid_credentials"
    assert stack.pay(new).status == 201
    assert live(old) == {keys.parse_key_id(new.key_id).body}
    (told,) = (event["data"] for event in events(stack, old) if event["key"] == new.key_id)
    assert told["revoked"] == sorted([old.key_id, thief.key_id])


def test_keys_leave_with_their_rates(stack: Deployed) -> None:
    old = stack.agent(rate={"per_minute": 60, "burst": 5})
    for _ in range(3):
        assert stack.pay(old).status == 201
        old = rotated(stack, old, overlap_seconds=0)
    ending = rotated(stack, old, overlap_seconds=60)
    assert stack.pay(old).status == stack.pay(ending).status == 201
    change(old, ends_at=actor().now)
    stack.operator("POST", "/v1/agents/{agent}/keys", {}, agent=old.agent_id)
    account = accounts.read(request.stores().table, old.agent_id)
    assert account is not None
    assert len([name for name in account.tats if name.startswith("t#")]) == 1


def transfer() -> Any:
    body = '{"kind": "transfer", "amount": "1", "token": "USDC", "chain": "base", "destination": {"wallet": "%s"}}'
    return parse_transaction(body % WALLET)


def test_of_payments_racing_an_emergency_none_commits_after_it(stack: Deployed) -> None:
    agent = stack.agent({**POLICY, "rate": {"per_minute": 60_000, "burst": 1_000}})
    principal = Principal(agent.agent_id, agent.key_id, record(agent).live_name, frozenset(), "0" * 64, "203.0.113.7")
    under_way, done = Event(), Event()

    def pay(_: int) -> list[tuple[bool, bool]]:
        """Of each payment: whether it began after the rotation, and whether it was approved."""
        environment = settings.aws()
        table = Table(stack.environment["CORE_TABLE"], Service("dynamodb", environment))
        policies = Policies(Service("s3", environment), stack.environment["POLICY_BUCKET"])
        ledger = Ledger(table, policies, micros=lambda: time.time_ns() // 1000)
        made: list[tuple[bool, bool]] = []
        while not any(late for late, _ in made):
            late = done.is_set()
            outcome = ledger.submit(principal, unique("race"), transfer())
            assert isinstance(outcome, Record) or outcome == Rejected("invalid_credentials")
            made.append((late, isinstance(outcome, Record)))
            under_way.set()
        return made

    with ThreadPoolExecutor(4) as threads:
        paying = [threads.submit(pay, number) for number in range(4)]
        try:
            assert under_way.wait(30)
            new = rotated(stack, agent, overlap_seconds=0)
        finally:
            done.set()
        made = [each for thread in paying for each in thread.result()]

    recorded = [item for item in stack.items() if item["sk"]["S"].startswith("TX#")]
    assert len(recorded) == sum(approved for _, approved in made) > 0
    assert {approved for late, approved in made if late} == {False}
    assert stack.pay(new).status == 201


HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"overlap_seconds": 29}, "overlap_seconds"),
    ({"overlap_seconds": -1}, "overlap_seconds"),
    ({"overlap_seconds": 30 * 86_400 + 1}, "overlap_seconds"),
    ({"overlap_seconds": "60"}, "overlap_seconds"),
    ({"overlap_seconds": True}, "overlap_seconds"),
    ({"public_key": PUBLIC_KEYS[0]}, "public_key"),
    ({"public_key": "sk_test"}, "public_key"),
    ({"scopes": ["transactions:claim"]}, "scopes"),
    ({"expires_at": None}, "expires_at"),
]


@pytest.mark.parametrize(("body", "field"), HOSTILE)
def test_a_wrong_field_is_named_and_changes_nothing(stack: Deployed, body: dict[str, Any], field: str) -> None:
    agent = stack.agent()
    before = stack.items()
    answer = rotate(stack, agent, body)
    assert (answer.status, answer.body["field"]) == (400, field)
    assert stack.items() == before


@pytest.mark.parametrize("body", [{}, {"public_key": PUBLIC_KEYS[0]}])
def test_a_key_with_a_public_key_needs_another_one(stack: Deployed, body: dict[str, Any]) -> None:
    agent = ed25519(stack)
    refused = rotate(stack, agent, body)
    assert (refused.status, refused.body["field"]) == (400, "public_key")
    answer = rotate(stack, agent, {"public_key": PUBLIC_KEYS[1]})
    assert (answer.status, answer.body["public_key"], "secret" in answer.body) == (201, PUBLIC_KEYS[1], False)
    assert answer.body["algorithm"] == "ed25519"


def refused(stack: Deployed, agent: Agent, status: int, detail: str) -> None:
    answer = rotate(stack, agent)
    assert answer.status == status
    assert detail in answer.body["detail"]


def test_what_cannot_be_rotated_says_what_to_do(stack: Deployed) -> None:
    revoked, ended, delivered, suspended, other = (stack.agent() for _ in range(5))
    stack.operator("POST", "/v1/agents/{agent}/keys/{key}/revoke", agent=revoked.agent_id, key=revoked.key_id)
    change(ended, ends_at=actor().now)
    change(delivered, delivered=True)
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "drill"}, agent=suspended.agent_id)

    refused(stack, revoked, 409, "revoked; issue a new one")
    refused(stack, ended, 409, "ended; issue a new one")
    refused(stack, delivered, 409, "no secret")
    emergency = rotate(stack, delivered, {"overlap_seconds": 0})
    assert (emergency.status, "Secrets Manager" in emergency.body["detail"]) == (409, True)
    refused(stack, suspended, 409, "suspended")
    refused(stack, replace(other, key_id=revoked.key_id), 404, "no such key")
    refused(stack, replace(other, key_id="k" * 3000), 404, "no such key")


def test_a_full_account_has_room_for_an_emergency_alone(stack: Deployed) -> None:
    agent = stack.agent()
    for _ in range(MAX_LIVE_KEYS - 1):
        stack.operator("POST", "/v1/agents/{agent}/keys", {}, agent=agent.agent_id)
    refused(stack, agent, 409, f"{MAX_LIVE_KEYS} live keys")
    rotated(stack, agent, overlap_seconds=0)
    assert len(live(agent)) == MAX_LIVE_KEYS


def test_the_list_tells_age_and_what_is_due(stack: Deployed) -> None:
    agent = stack.agent(key_class="high_value")
    shown = listed(stack, agent)
    assert (shown["age_days"], shown["overdue"], shown["state"]) == (0, False, "active")
    assert parse_rfc3339(shown["rotate_by"]) == parse_rfc3339(shown["created_at"]) + 7 * DAY
    change(agent, created_at=actor().now - 7 * DAY)
    assert {"age_days": 7, "overdue": True}.items() <= listed(stack, agent).items()


@pytest.mark.parametrize(("end", "state"), [(HOUR, "retiring"), (0, "ended")])
def test_the_list_tells_the_end_of_an_old_key(stack: Deployed, end: int, state: str) -> None:
    old = stack.agent()
    new = rotated(stack, old)
    change(old, ends_at=actor().now + end, created_at=actor().now - 40 * DAY)
    shown = listed(stack, old)
    assert (shown["state"], shown["successor"]) == (state, new.key_id)
    assert (shown["rotate_by"], shown["overdue"]) == (None, False)


def test_an_expired_key_has_ended_and_a_revoked_one_stays_revoked(stack: Deployed) -> None:
    agent = stack.agent()
    change(agent, ends_at=actor().now)
    assert listed(stack, agent)["state"] == "ended"
    stack.operator("POST", "/v1/agents/{agent}/keys/{key}/revoke", agent=agent.agent_id, key=agent.key_id)
    assert listed(stack, agent)["state"] == "revoked"


def test_revoking_tells_which_keys_ended(stack: Deployed) -> None:
    old = stack.agent()
    child, apart = successor(old, lineage=old.key_id), rotated(stack, old)
    succeed(request.stores().table, actor(), old.key_id, child, HOUR)
    one, every = "/v1/agents/{agent}/keys/{key}/revoke", "/v1/agents/{agent}/keys/revoke"

    for expected in ([old.key_id, child.key_id], []):
        answer = stack.operator("POST", one, agent=old.agent_id, key=old.key_id)
        assert (answer.body["state"], answer.body["revoked"]) == ("revoked", sorted(expected))
    for expected in ([apart.key_id], []):
        answer = stack.operator("POST", every, agent=old.agent_id)
        assert (answer.status, answer.body) == (200, {"agent_id": old.agent_id, "revoked": expected})
    assert live(old) == set()
    assert stack.operator("POST", every, agent="ag_0000000000000000000000").code == "not_found"


def test_a_key_stored_without_an_expiry_of_its_own_expires_at_its_end(stack: Deployed) -> None:
    agent = stack.agent()
    item = key_records.to_item(replace(record(agent), ends_at=actor().now + HOUR))
    del item["expires_at"]
    found = key_records.from_item({**item, "state": "retiring"})
    assert found.expires_at == found.ends_at == item["ends_at"]
