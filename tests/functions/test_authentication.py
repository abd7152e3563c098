"""The verdict over the real authorizer: every tampering has its code, and nothing is written for the unverified."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from portcullis.aws.wire import Service
from portcullis.domain.times import SECOND, rfc3339
from portcullis.protocol import keys
from tests.functions import deployed
from tests.functions.deployed import Deployed, unique

Event = dict[str, Any]


def set_header(name: str, value: str | None) -> Callable[[Event], None]:
    def tamper(event: Event) -> None:
        if value is None:
            del event["multiValueHeaders"][name]
        else:
            event["multiValueHeaders"][name] = [value]

    return tamper


def repeat_header(name: str) -> Callable[[Event], None]:
    def tamper(event: Event) -> None:
        event["multiValueHeaders"][name.lower()] = list(event["multiValueHeaders"][name])

    return tamper


def set_path(event: Event) -> None:
    event["requestContext"]["path"] = "/test/v1/transactions"


def set_timestamp(event: Event) -> None:
    headers = event["multiValueHeaders"]
    headers["X-Timestamp"] = [str(int(headers["X-Timestamp"][0]) - 1)]


def set_method(event: Event) -> None:
    event["httpMethod"] = "DELETE"


def set_query(event: Event) -> None:
    event["multiValueQueryStringParameters"] = {"status": ["approved"]}


TAMPERED = [
    (set_header("X-API-Key", None), "missing_credentials"),
    (set_header("X-Timestamp", None), "missing_credentials"),
    (set_header("X-Nonce", None), "missing_credentials"),
    (set_header("X-Content-SHA256", None), "missing_credentials"),
    (set_header("X-Signature", None), "missing_credentials"),
    (set_header("X-API-Key", "pk_test_0000000000000000000000000000"), "malformed_credentials"),
    (set_header("X-API-Key", "nonsense"), "malformed_credentials"),
    (set_header("X-API-Key", "pk_live_03yqsuDyR1vGFhTuuRAq1b000000"), "malformed_credentials"),
    (set_header("X-Nonce", "short"), "malformed_credentials"),
    (set_header("X-Timestamp", "1e9"), "malformed_credentials"),
    (set_header("X-Signature", "0" * 63), "malformed_credentials"),
    (repeat_header("X-Nonce"), "malformed_credentials"),
    (repeat_header("X-Signature"), "malformed_credentials"),
    (set_header("X-Signature", "0" * 64), "invalid_credentials"),
    (set_header("X-Nonce", "another-nonce-0000"), "invalid_credentials"),
    (set_header("X-Content-SHA256", "0" * 64), "invalid_credentials"),
    (set_timestamp, "invalid_credentials"),
    (set_path, "invalid_credentials"),
    (set_method, "invalid_credentials"),
    (set_query, "invalid_credentials"),
]


@pytest.mark.parametrize(("tamper", "code"), TAMPERED)
def test_tampering_is_refused_and_writes_nothing(stack: Deployed, tamper: Callable[[Event], None], code: str) -> None:
    agent = stack.agent()
    before = stack.items()
    answer = stack.call(agent, "GET", "/v1/whoami", tamper=tamper)
    assert (answer.status, answer.code) == (401, code)
    assert stack.items() == before
    assert stack.items("NONCES_TABLE") == []


@pytest.mark.parametrize("skew", [-302, 302])
def test_a_stale_or_future_timestamp_is_refused(stack: Deployed, skew: int) -> None:
    answer = stack.call(stack.agent(), "GET", "/v1/whoami", timestamp=int(time.time()) + skew)
    assert answer.code == "timestamp_out_of_window"


def test_an_altered_body_is_refused(stack: Deployed) -> None:
    def tamper(event: Event) -> None:
        event["body"] = event["body"].replace('"10"', '"99"')

    answer = stack.pay(stack.agent(), tamper=tamper)
    assert (answer.status, answer.code) == (400, "body_digest_mismatch")


def test_a_replay_is_refused_even_with_the_same_request_id(stack: Deployed) -> None:
    agent, nonce = stack.agent(), unique()
    timestamp = int(time.time())
    answers = [stack.call(agent, "GET", "/v1/whoami", nonce=nonce, timestamp=timestamp) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 401]
    assert answers[1].code == "nonce_replayed"


def test_a_replay_is_refused_by_another_process(stack: Deployed) -> None:
    agent, nonce = stack.agent(), unique()
    assert stack.call(agent, "GET", "/v1/whoami", nonce=nonce).status == 200
    deployed.forget()
    assert stack.call(agent, "GET", "/v1/whoami", nonce=nonce).code == "nonce_replayed"


def test_two_keys_may_use_the_same_nonce(stack: Deployed) -> None:
    nonce = unique()
    answers = [stack.call(stack.agent(), "GET", "/v1/whoami", nonce=nonce) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]


def test_an_unknown_key_and_a_wrong_signature_get_the_same_answer(stack: Deployed) -> None:
    agent = stack.agent()
    wrong = stack.call(agent, "GET", "/v1/whoami", tamper=set_header("X-Signature", "0" * 64))
    stranger = keys.new_key_id("test", "0", bytes(range(20)))
    unknown = stack.call(agent, "GET", "/v1/whoami", tamper=set_header("X-API-Key", stranger))
    assert wrong == unknown


def test_an_unknown_key_and_a_wrong_signature_cost_the_same_look_ups(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = stack.agent()
    assert stack.call(agent, "GET", "/v1/whoami").status == 200
    made: list[str] = []
    original = Service.request

    def request(self: Service, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
        if headers["x-amz-target"] != "AWSEvents.PutEvents":  # by the clock, whatever was refused
            made.append(headers["x-amz-target"])
        return original(self, method, path, headers, body)

    monkeypatch.setattr(Service, "request", request)
    stranger = keys.new_key_id("test", "0", bytes(range(20)))
    costs = []
    for tamper in (set_header("X-Signature", "0" * 64), set_header("X-API-Key", stranger)):
        made.clear()
        assert stack.call(agent, "GET", "/v1/whoami", tamper=tamper).code == "invalid_credentials"
        costs.append(list(made))
    assert costs == [["DynamoDB_20120810.GetItem"]] * 2


def test_a_revoked_key_is_refused_once_its_record_is_read_again(stack: Deployed) -> None:
    agent = stack.agent()
    stack.operator("POST", "/v1/agents/{agent}/keys/{key}/revoke", agent=agent.agent_id, key=agent.key_id)
    assert stack.call(agent, "GET", "/v1/whoami").code == "invalid_credentials"


def test_an_expired_key_is_refused(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = stack.agent(expires_at=rfc3339((int(time.time()) + 60) * SECOND))
    assert stack.call(agent, "GET", "/v1/whoami").status == 200
    later = time.time_ns() + 60 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later)
    assert stack.call(agent, "GET", "/v1/whoami").code == "invalid_credentials"


def test_a_key_that_has_expired_already_is_not_issued(stack: Deployed) -> None:
    agent = stack.agent()
    body = {"expires_at": "2020-01-01T00:00:00Z"}
    refused = stack.operator("POST", "/v1/agents/{agent}/keys", body, agent=agent.agent_id)
    assert (refused.status, refused.code, refused.body["field"]) == (400, "malformed_request", "expires_at")


@pytest.mark.parametrize(("address", "status"), [("203.0.113.9", 200), ("198.51.100.1", 401), ("2001:db8::1", 200)])
def test_a_key_is_bound_to_its_ranges(stack: Deployed, address: str, status: int) -> None:
    agent = stack.agent(ip_ranges=["203.0.113.0/24", "2001:db8::/32"])
    assert stack.call(agent, "GET", "/v1/whoami", source_ip=address).status == status


def test_a_forged_forwarded_for_changes_nothing(stack: Deployed) -> None:
    agent = stack.agent(ip_ranges=["203.0.113.0/24"])
    headers = {"X-Forwarded-For": "203.0.113.9"}
    answer = stack.call(agent, "GET", "/v1/whoami", source_ip="198.51.100.1", headers=headers)
    assert answer.code == "ip_not_allowed"


def test_a_key_works_right_after_it_was_refused_as_unknown(stack: Deployed) -> None:
    agent = stack.agent()
    unknown = deployed.Agent(agent.agent_id, agent.key_id, agent.secret)
    record = stack.dynamodb.get_item(
        TableName=stack.environment["CORE_TABLE"], Key={"pk": {"S": f"KEY#{agent.key_id}"}, "sk": {"S": "KEY"}}
    )["Item"]
    key = {"pk": record["pk"], "sk": record["sk"]}
    stack.dynamodb.delete_item(TableName=stack.environment["CORE_TABLE"], Key=key)
    assert stack.call(unknown, "GET", "/v1/whoami").code == "invalid_credentials"
    stack.dynamodb.put_item(TableName=stack.environment["CORE_TABLE"], Item=record)
    assert stack.call(unknown, "GET", "/v1/whoami").status == 200
