"""What authorizer and APIs tell of how they answered: bounded, without secrets, never at the cost of the answer."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from portcullis.aws import telling
from portcullis.aws.wire import Service, Unavailable
from portcullis.domain.times import SECOND
from portcullis.protocol import keys
from tests.event_schemas import faults
from tests.functions import settling
from tests.functions.api_events import REGION
from tests.functions.deployed import Deployed, forget, unique
from tests.functions.test_authentication import set_header

Event = dict[str, Any]
NO_SUCH = "/v1/transactions/tx_0000000000000000000000"


class Bus:
    """What is put on the bus, and how often it was called."""

    def __init__(self, stack: Deployed) -> None:
        options: dict[str, Any] = {
            "endpoint_url": stack.endpoint,
            "region_name": REGION,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }
        self.sqs, self.name = boto3.client("sqs", **options), unique("told")
        self.url = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.bus = boto3.client("events", **options)
        self.bus.put_rule(Name=self.name, EventPattern=json.dumps({"source": ["portcullis"]}))
        self.bus.put_targets(Rule=self.name, Targets=[{"Id": "told", "Arn": arn}])
        self.calls: list[list[Event]] = []

    def told(self) -> list[Event]:
        """The events that have come, each id once, as a consumer handles them."""
        found: dict[str, Event] = {}
        while batch := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                wrapped = json.loads(message["Body"])
                assert wrapped["detail-type"] == wrapped["detail"]["type"]
                found[wrapped["detail"]["id"]] = wrapped["detail"]
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        assert [fault for event in found.values() for fault in faults(event)] == []
        return list(found.values())

    def close(self) -> None:
        self.bus.remove_targets(Rule=self.name, Ids=["told"])
        self.bus.delete_rule(Name=self.name)


@pytest.fixture
def bus(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    bus, put = Bus(stack), Service.json_call

    def json_call(self: Service, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
        if target == "AWSEvents.PutEvents":
            bus.calls.append([json.loads(entry["Detail"]) for entry in payload["Entries"]])
        return put(self, target, version, payload)

    monkeypatch.setattr(Service, "json_call", json_call)
    monkeypatch.setattr(telling, "TIMEOUT_SECONDS", 10)  # this machine may be busy
    forget()
    yield bus
    bus.close()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets seconds pass."""

    def pass_(seconds: int) -> None:
        instant = time.time_ns() + seconds * SECOND * 1000
        monkeypatch.setattr(time, "time_ns", lambda: instant)

    return pass_


def test_hundreds_of_forgeries_make_few_calls_that_tell_of_all(stack: Deployed, bus: Bus, later: Any) -> None:
    agent = stack.agent()
    later(0)
    for number in range(300):
        stranger = keys.new_key_id("test", "0", number.to_bytes(20))
        tampered = set_header("X-API-Key", stranger if number % 2 else agent.key_id)
        forged = set_header("X-Signature", "0" * 64)

        def both(event: Event, tampered: Any = tampered, forged: Any = forged) -> None:
            tampered(event)
            forged(event)

        source = f"198.51.100.{number % 3}"
        assert stack.call(agent, "GET", "/v1/whoami", tamper=both, source_ip=source).code == "invalid_credentials"
    assert [len(call) for call in bus.calls] == [1]
    for _ in range(12):
        later(10)
        assert stack.pay(agent).status == 201
    told = bus.told()
    assert len(bus.calls) <= 1 + 12, "one in 10 s"
    assert sum(event["data"]["count"] for event in told) == 300
    assert {event["type"] for event in told} == {"authentication.refused"}
    assert {event["verified"] for event in told} == {False}
    assert {event["agent"] for event in told} == {None}


def test_a_payment_costs_no_call(stack: Deployed, bus: Bus) -> None:
    agent = stack.agent()
    assert stack.pay(agent).status == 201
    assert stack.pay(agent, "5000").code == "policy_denied"
    assert bus.calls == []


def test_a_refusal_that_a_rate_has_counted_is_told_on_its_own(stack: Deployed, bus: Bus) -> None:
    agent = stack.agent()
    answers = [stack.call(agent, "GET", NO_SUCH) for _ in range(3)]
    assert [len(call) for call in bus.calls] == [1, 1, 1]
    told = bus.told()
    assert len({event["id"] for event in told}) == 3
    assert {(event["agent"], event["key"], event["verified"]) for event in told} == {
        (agent.agent_id, agent.key_id, True)
    }
    assert [event["data"]["request_id"] for event in told] == [answer.body["request_id"] for answer in answers]
    assert told[0]["data"]["route"] == "/v1/transactions/{id}"


def test_refusals_that_cost_their_sender_nothing_are_summed(stack: Deployed, bus: Bus, later: Any) -> None:
    agent = stack.agent()
    later(0)
    for _ in range(20):
        assert stack.pay(agent, "-1").code == "malformed_request"
    later(10)
    assert stack.pay(agent).status == 201
    assert [call[0]["data"]["count"] for call in bus.calls] == [1, 19]
    assert bus.calls[1][0]["verified"] is True


def test_another_body_counts_against_its_address_alone(stack: Deployed, bus: Bus) -> None:
    agent = stack.agent()

    def alter(event: Event) -> None:
        event["body"] = event["body"].replace('"10"', '"99"')

    assert stack.pay(agent, tamper=alter).code == "body_digest_mismatch"
    (event,) = bus.told()
    assert (event["type"], event["agent"], event["verified"]) == ("request.refused", None, False)
    assert event["ip"] == "203.0.113.7"


def from_country(country: str) -> Callable[[Event], None]:
    """Have the trusted header arrive."""

    def tamper(event: Event) -> None:
        event["multiValueHeaders"]["CloudFront-Viewer-Country"] = [country]

    return tamper


def test_reads_are_told_once_and_then_in_a_sum(stack: Deployed, bus: Bus, later: Any) -> None:
    agent = stack.agent()
    later(0)
    for _ in range(20):
        assert stack.call(agent, "GET", "/v1/transactions", tamper=from_country("NL")).status == 200
    later(10)
    assert stack.pay(agent).status == 201
    assert [[event["data"]["count"] for event in call] for call in bus.calls] == [[1], [19]]
    (first, summed) = sorted(bus.told(), key=lambda event: event["data"]["count"])
    assert (summed["type"], summed["verified"], summed["txid"]) == ("request.served", True, None)
    assert (summed["agent"], summed["key"], summed["ip"]) == (agent.agent_id, agent.key_id, "203.0.113.7")
    what = {"method": "GET", "route": "/v1/transactions", "status": 200, "country": "NL"}
    assert summed["data"].items() > what.items()
    assert first["data"].items() > what.items()


def test_what_an_executor_does_and_what_an_agent_does_with_its_keys_is_told_of_them(
    stack: Deployed, bus: Bus, later: Any
) -> None:
    executor = settling.executor(stack)
    agent = settling.payer(stack, executor)
    later(0)
    txid = stack.pay(agent).body["id"]
    assert settling.claim(stack, executor, agent, txid).status == 200
    assert settling.settle(stack, executor, agent, txid).status == 200
    assert stack.call(agent, "GET", "/v1/keys").status == 200
    later(10)
    assert stack.pay(agent).status == 201
    assert {(event["agent"], event["data"]["route"]) for event in bus.told()} == {
        (executor.agent_id, "/v1/transactions/{id}/claim"),
        (executor.agent_id, "/v1/transactions/{id}/settle"),
        (agent.agent_id, "/v1/keys"),
    }


def test_the_country_is_told_of_the_own_requests_of_an_agent_and_not_to_it(stack: Deployed, bus: Bus) -> None:
    agent, sent = stack.agent(), from_country("NL")
    paid = stack.pay(agent, tamper=sent)
    assert stack.call(agent, "GET", NO_SUCH, tamper=sent).code == "not_found"
    stored = settling.item(stack, agent, f"TX#{paid.body['id']}")
    shown = stack.operator("GET", "/v1/agents/{agent}/transactions/{id}", agent=agent.agent_id, id=paid.body["id"])
    (event,) = bus.told()
    assert stored["country"] == {"S": "NL"}
    assert [told.get("country") for told in (event["data"], shown.body, paid.body)] == ["NL", "NL", None]


def test_without_a_trusted_header_and_of_what_is_not_verified_there_is_no_country(
    stack: Deployed, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, sent = stack.agent(), from_country("NL")

    def altered(event: Event) -> None:
        sent(event)
        event["body"] = event["body"].replace('"10"', '"99"')

    assert stack.pay(agent, tamper=altered).code == "body_digest_mismatch"
    monkeypatch.delenv("COUNTRY_HEADER")
    forget()
    assert stack.call(agent, "GET", "/v1/whoami", tamper=sent).status == 200
    told = bus.told()
    assert {event["type"] for event in told} == {"request.refused", "request.served"}
    assert [event for event in told if "country" in event["data"]] == []


def test_an_operator_who_is_refused_is_named(stack: Deployed, bus: Bus) -> None:
    agent = stack.agent().agent_id
    assert stack.operator("POST", "/v1/agents/{agent}/suspend", {}, agent=agent).status == 400
    (event,) = bus.told()
    assert (event["agent"], event["key"], event["verified"]) == (agent, None, False)
    assert event["data"]["actor"] == stack.caller
    assert (event["data"]["problem"], event["data"]["method"]) == ("malformed_request", "POST")


def test_a_bus_that_is_out_of_reach_changes_no_answer_and_loses_no_count(
    stack: Deployed, bus: Bus, later: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = stack.agent()
    later(0)
    with monkeypatch.context() as outage:
        outage.setattr(telling, "entry", _unreachable)
        forged = [stack.call(agent, "GET", "/v1/whoami", tamper=set_header("X-Signature", "0" * 64)) for _ in range(3)]
        missing = [stack.call(agent, "GET", NO_SUCH) for _ in range(3)]
        served = [stack.call(agent, "GET", "/v1/whoami") for _ in range(3)]
    assert [answer.status for answer in served] == [200] * 3
    assert [answer.code for answer in forged + missing] == ["invalid_credentials"] * 3 + ["not_found"] * 3
    assert capsys.readouterr().out.count('"RequestsUntold":1') == 2, "once in 10 s by each of the two processes"
    later(10)
    assert stack.pay(agent).status == 201
    counts = {"authentication.refused": 0, "request.refused": 0, "request.served": 0}
    for event in bus.told():
        counts[event["type"]] += event["data"]["count"]
    assert counts == {"authentication.refused": 3, "request.refused": 3, "request.served": 3}


def _unreachable(_bus: str, _event: Event) -> dict[str, str]:
    raise Unavailable("events: refused")


def test_no_event_holds_a_secret_a_signature_or_a_nonce(stack: Deployed, bus: Bus) -> None:
    agent, nonce = stack.agent(), unique()
    sent: list[str] = [agent.secret, nonce]

    def keep(event: Event) -> None:
        sent.append(event["multiValueHeaders"]["X-Signature"][0])

    for _ in range(2):
        stack.call(agent, "GET", NO_SUCH, nonce=nonce, tamper=keep)
    told = json.dumps(bus.told())
    assert "nonce_replayed" in told
    assert [value for value in sent if value in told] == []
