"""An agent replaces its own key: once, where it may, bound to what it had; and a thief who does so gains nothing."""

import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from functions.operator_api import request
from portcullis.aws import accounts, changes, key_records, key_succession
from portcullis.domain.times import DAY, HOUR, rfc3339
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import keys
from portcullis.protocol.message_signatures import ED25519, Message, MessageSigner, signed_headers
from portcullis.protocol.public_keys import encode_ed25519
from tests.functions.api_events import STAGE, api_event
from tests.functions.deployed import Agent, Answer, Deployed, unique


def rotate(stack: Deployed, agent: Agent, key: str | None = None, body: bytes = b"") -> Answer:
    headers = {"Idempotency-Key": key or unique("rotation")}
    return stack.call(agent, "POST", "/v1/keys/rotate", body, headers=headers)


def child_of(agent: Agent, answer: Answer) -> Agent:
    assert answer.status == 201, answer
    return Agent(agent.agent_id, answer.body["key_id"], answer.body["secret"])


def record(key_id: str) -> KeyRecord:
    found = key_records.read(request.stores().table, key_id)
    assert found is not None
    return found


def change(agent: Agent, **sets: Any) -> None:
    """Have the key be what no route makes of it."""
    request.stores().table.transact(key_records.update(record(agent.key_id), sets))


def events(stack: Deployed, agent: Agent) -> list[dict[str, Any]]:
    found = stack.operator("GET", "/v1/agents/{agent}/events", agent=agent.agent_id)
    return [event for event in found.body["events"] if event["type"] == "key.rotated"]


def test_the_successor_is_bound_to_what_the_key_was(stack: Deployed) -> None:
    ends_at = rfc3339(time.time_ns() // 1000 + 90 * DAY)
    rate = {"per_minute": 60, "burst": 10}
    kept: dict[str, Any] = {
        "scopes": ["transactions:read"],
        "ip_ranges": ["203.0.113.0/24"],
        "rate": rate,
        "key_class": "high_value",
    }
    old = stack.agent(**kept, expires_at=ends_at, self_rotation=True)
    new = child_of(old, rotate(stack, old))
    first, second = record(old.key_id), record(new.key_id)

    for name in ("agent", "scopes", "ip_ranges", "rate", "key_class", "self_rotation", "epoch"):
        assert getattr(second, name) == getattr(first, name)
    assert rfc3339(second.ends_at or 0) == ends_at
    assert (second.parent, second.lineage, first.successor) == (first.key_id, first.key_id, second.key_id)
    assert (first.state, second.state) == ("retiring", "active")
    assert (first.ends_at or 0) - second.created_at == 24 * HOUR
    assert stack.call(new, "GET", "/v1/whoami").status == stack.call(old, "GET", "/v1/whoami").status == 200
    assert stack.call(new, "GET", "/v1/whoami", source_ip="198.51.100.9").code == "ip_not_allowed"


def test_the_end_of_the_key_is_never_later_for_it(stack: Deployed) -> None:
    ends_at = time.time_ns() // 1000 + HOUR
    old = stack.agent(expires_at=rfc3339(ends_at), self_rotation=True)
    new = child_of(old, rotate(stack, old))
    assert record(old.key_id).ends_at == record(new.key_id).ends_at == ends_at // 1000 * 1000


def test_the_event_names_the_agent_that_did_it(stack: Deployed) -> None:
    old = stack.agent(self_rotation=True)
    new = child_of(old, rotate(stack, old))
    (event,) = events(stack, old)
    assert (event["key"], event["ip"], event["verified"]) == (new.key_id, "203.0.113.7", True)
    assert event["data"]["actor"] == event["data"]["parent"] == old.key_id


def test_a_retry_sees_the_same_successor_and_changes_nothing(stack: Deployed) -> None:
    old, key = stack.agent(self_rotation=True), unique("rotation")
    first = rotate(stack, old, key)
    again = rotate(stack, old, key)
    assert (first.status, first.body) == (again.status, again.body)
    assert len(events(stack, old)) == 1


def test_a_retry_meets_its_first_try_in_another_generation(stack: Deployed) -> None:
    old, key = stack.agent(self_rotation=True), unique("rotation")
    first = rotate(stack, old, key)
    stack.dynamodb.put_item(
        TableName=stack.environment["CORE_TABLE"],
        Item={"pk": {"S": "ROOT"}, "sk": {"S": "GENERATION"}, "generation": {"S": "1"}},
    )
    assert rotate(stack, old, key).body == first.body
    third = rotate(stack, child_of(old, first))
    assert keys.parse_key_id(third.body["key_id"]).generation == "1"


def test_a_late_retry_is_not_shown_the_secret(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    old, key = stack.agent(self_rotation=True), unique("rotation")
    rotate(stack, old, key)
    monkeypatch.setattr("portcullis.domain.self_rotation.SECRET_RETRY_WINDOW", -1)
    late = rotate(stack, old, key)
    assert (late.status, late.code) == (409, "state_conflict")
    assert "secret" not in late.body


def test_whoever_comes_second_is_told_that_somebody_has_the_key(stack: Deployed) -> None:
    old = stack.agent(self_rotation=True)
    thief = child_of(old, rotate(stack, old))
    owner = rotate(stack, old)
    assert (owner.status, owner.code) == (409, "state_conflict")
    assert "rotated already" in owner.body["detail"]
    assert "revoke" in owner.body["detail"]

    assert stack.pay(thief).status == 201
    stack.operator("POST", "/v1/agents/{agent}/keys/{key}/revoke", agent=old.agent_id, key=old.key_id)
    assert stack.pay(thief).code == stack.pay(old).code == "invalid_credentials"


def test_a_twin_that_looked_before_the_write_and_read_after_it_changes_nothing(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, read = stack.agent(self_rotation=True), accounts.read
    table = request.stores().table
    seen = iter([read(table, old.agent_id)])
    new = record(child_of(old, rotate(stack, old)).key_id)
    before = stack.items()
    monkeypatch.setattr(accounts, "read", lambda *place: next(seen, None) or read(*place))
    actor = changes.Actor(old.key_id, "203.0.113.7", new.created_at, verified=True)
    key_succession.succeed(table, actor, old.key_id, new, HOUR, once=True)
    assert stack.items() == before


def off(stack: Deployed) -> Agent:
    return stack.agent()


def delivered(stack: Deployed) -> Agent:
    agent = stack.agent(self_rotation=True)
    change(agent, delivered=True)
    return agent


def of_an_earlier_epoch(stack: Deployed) -> Agent:
    agent = stack.agent(self_rotation=True)
    change(agent, epoch=0)
    return agent


def suspended(stack: Deployed) -> Agent:
    agent = stack.agent(self_rotation=True)
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "leak"}, agent=agent.agent_id)
    return agent


def revoked(stack: Deployed) -> Agent:
    """Its record, cached by the authorizer, still says active."""
    agent = stack.agent(self_rotation=True)
    stack.call(agent, "GET", "/v1/keys")
    stack.operator("POST", "/v1/agents/{agent}/keys/{key}/revoke", agent=agent.agent_id, key=agent.key_id)
    return agent


@pytest.mark.parametrize(
    ("make", "status", "code", "detail"),
    [
        (off, 403, "scope_missing", "self_rotation"),
        (delivered, 403, "forbidden", "Secrets Manager"),
        (of_an_earlier_epoch, 403, "forbidden", "incident"),
        (suspended, 403, "agent_suspended", "suspended"),
        (revoked, 401, "invalid_credentials", "revoked"),
    ],
)
def test_who_may_not(stack: Deployed, make: Any, status: int, code: str, detail: str) -> None:
    agent = make(stack)
    answer = rotate(stack, agent)
    assert (answer.status, answer.code) == (status, code)
    assert detail in answer.body["detail"]
    assert record(agent.key_id).successor is None
    assert events(stack, agent) == []


def test_an_incident_between_look_and_write_stops_it(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, apply = stack.agent(self_rotation=True), changes.apply

    def suspending(*arguments: Any) -> Any:
        monkeypatch.setattr(changes, "apply", apply)
        stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "leak"}, agent=agent.agent_id)
        return apply(*arguments)

    monkeypatch.setattr(changes, "apply", suspending)
    assert rotate(stack, agent).code == "state_conflict"
    account = accounts.read(request.stores().table, agent.agent_id)
    assert account is not None
    assert account.live_keys == frozenset()


@pytest.mark.parametrize(
    ("headers", "body", "field"),
    [
        ({}, b"", "Idempotency-Key"),
        ({"Idempotency-Key": "short"}, b"", "Idempotency-Key"),
        ({"Idempotency-Key": "0" * 16}, b'{"scopes": ["transactions:claim"]}', "scopes"),
        ({"Idempotency-Key": "0" * 16}, b'{"public_key": "no"}', "public_key"),
        ({"Idempotency-Key": "0" * 16}, json.dumps({"public_key": "A" * 43}).encode(), "public_key"),
    ],
)
def test_what_is_malformed_is_named(stack: Deployed, headers: dict[str, str], body: bytes, field: str) -> None:
    agent = stack.agent(self_rotation=True)
    answer = stack.call(agent, "POST", "/v1/keys/rotate", body, headers=headers)
    assert (answer.status, answer.code, answer.body["field"]) == (400, "malformed_request", field)
    assert record(agent.key_id).successor is None


def test_another_body_than_the_signed_one_is_refused(stack: Deployed) -> None:
    agent = stack.agent(self_rotation=True)
    body = json.dumps({"public_key": fresh_public_key()}).encode()
    headers = {"Idempotency-Key": unique("rotation")}
    answer = stack.call(
        agent, "POST", "/v1/keys/rotate", body, headers=headers, tamper=lambda event: event.update(body="{}")
    )
    assert answer.code == "body_digest_mismatch"


def test_a_secret_key_does_not_become_another_kind(stack: Deployed) -> None:
    answer = rotate(stack, stack.agent(self_rotation=True), body=given(fresh_public_key()))
    assert (answer.code, answer.body["field"]) == ("malformed_request", "public_key")


def fresh_public_key() -> str:
    return encode_ed25519(Ed25519PrivateKey.generate().public_key().public_bytes_raw())


def given(public_key: str) -> bytes:
    return json.dumps({"public_key": public_key}).encode()


def signed_rotation(stack: Deployed, key_id: str, pair: Ed25519PrivateKey, body: bytes, key: str) -> Answer:
    message = Message("POST", f"/{STAGE}/v1/keys/rotate", "", {"host": ["a.example"]})
    signer = MessageSigner(ED25519, pair.sign)
    headers = signed_headers(key_id, signer, message, body, int(time.time()), unique())
    headers |= {"Host": "a.example", "Content-Type": "application/json", "Idempotency-Key": key}
    event = api_event("POST", "/v1/keys/rotate", "", headers, body)
    return stack.send(event)


def test_a_public_key_makes_room_for_a_new_one(stack: Deployed) -> None:
    agent, pair, key = stack.agent(), Ed25519PrivateKey.generate(), unique("rotation")
    own = encode_ed25519(pair.public_key().public_bytes_raw())
    wanted = {"public_key": own, "self_rotation": True}
    key_id = stack.operator("POST", "/v1/agents/{agent}/keys", wanted, agent=agent.agent_id).body["key_id"]

    for body in (b"{}", given(own)):
        refused = signed_rotation(stack, key_id, pair, body, key)
        assert (refused.code, refused.body["field"]) == ("malformed_request", "public_key")
    new = fresh_public_key()
    first = signed_rotation(stack, key_id, pair, given(new), key)
    assert (first.status, "secret" in first.body) == (201, False)
    assert encode_ed25519(record(first.body["key_id"]).public_key or b"") == new
    assert signed_rotation(stack, key_id, pair, given(new), key).body == first.body
    assert signed_rotation(stack, key_id, pair, given(fresh_public_key()), key).code == "idempotency_conflict"


def test_an_agent_sees_its_live_keys_and_of_them_no_more_than_it_needs(stack: Deployed) -> None:
    stranger, agent = stack.agent(), stack.agent(key_class="staging", self_rotation=True)
    new = child_of(agent, rotate(stack, agent))
    shown = {key["key_id"]: key for key in stack.call(new, "GET", "/v1/keys").body["keys"]}
    assert shown.keys() == {agent.key_id, new.key_id}
    assert stranger.key_id not in shown
    (mine, old) = shown[new.key_id], shown[agent.key_id]
    assert (mine["calling"], old["calling"], old["state"], mine["parent"]) == (True, False, "retiring", agent.key_id)
    assert mine["rotate_by"] == rfc3339(record(new.key_id).created_at + 7 * DAY)
    assert not {"secret", "ip_ranges", "scopes", "rate"} & {*mine, *old}


def test_keys_that_have_ended_are_not_shown(stack: Deployed) -> None:
    agent = stack.agent(self_rotation=True)
    new = child_of(agent, rotate(stack, agent))
    change(agent, ends_at=1)
    assert [key["key_id"] for key in stack.call(new, "GET", "/v1/keys").body["keys"]] == [new.key_id]


def test_its_calls_count_for_the_rate_of_calls(stack: Deployed) -> None:
    policy = {"call_rate": {"per_minute": 1, "burst": 1}}
    agent = stack.agent(policy, self_rotation=True)
    answer = stack.call(agent, "GET", "/v1/keys")
    assert (answer.status, "RateLimit" in answer.headers) == (200, True)
    assert rotate(stack, agent).code == "rate_limited"
    assert record(agent.key_id).successor is None
