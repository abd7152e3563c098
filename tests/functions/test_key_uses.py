"""Last use: told by verified requests alone, found by operators, at no call more than the request costs anyway."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from portcullis.aws.nonces import USES_KEPT_SECONDS
from portcullis.aws.wire import Service, Unavailable
from portcullis.domain.key_uses import INTERVAL, MAX_ADDRESSES
from portcullis.domain.times import SECOND, rfc3339
from tests.functions import deployed
from tests.functions.deployed import Agent, Deployed, unique

HOME, ELSEWHERE = "203.0.113.7", "2001:db8::1"
Event = dict[str, Any]


class Clock:
    """Microseconds, standing still until moved."""

    def __init__(self) -> None:
        self.now = time.time_ns() // 1000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time_ns", lambda: clock.now * 1000)
    return clock


def use(stack: Deployed, agent: Agent, **options: Any) -> int:
    return stack.call(agent, "GET", "/v1/whoami", **options).status


def last_used(stack: Deployed, agent: Agent) -> Any:
    listed = stack.operator("GET", "/v1/agents/{agent}/keys", agent=agent.agent_id)
    (key,) = listed.body["keys"]
    return key["last_used"]


def remembered(stack: Deployed) -> list[dict[str, Any]]:
    """The items of the index."""
    found: list[dict[str, Any]] = stack.dynamodb.scan(TableName=stack.environment["NONCES_TABLE"], IndexName="by_key")[
        "Items"
    ]
    return found


def test_a_key_that_was_never_used_says_so(stack: Deployed) -> None:
    agent = stack.agent()
    assert use(stack, stack.agent()) == 200
    assert last_used(stack, agent) is None


def test_one_verified_request_is_a_use(stack: Deployed, clock: Clock) -> None:
    agent = stack.agent()
    assert use(stack, agent, source_ip=ELSEWHERE) == 200
    assert last_used(stack, agent) == {"at": rfc3339(clock.now), "ip": ELSEWHERE}


def test_a_request_that_is_proved_and_then_not_allowed_is_a_use(stack: Deployed, clock: Clock) -> None:
    agent = stack.agent(scopes=["transactions:read"])
    assert stack.pay(agent).code == "scope_missing"
    assert last_used(stack, agent) == {"at": rfc3339(clock.now), "ip": HOME}


def wrong_signature(event: Event) -> None:
    event["multiValueHeaders"]["X-Signature"] = ["0" * 64]


def altered_method(event: Event) -> None:
    event["httpMethod"] = "DELETE"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"tamper": wrong_signature}, "invalid_credentials"),
    ({"tamper": altered_method}, "invalid_credentials"),
    ({"timestamp": 1_600_000_000}, "timestamp_out_of_window"),
    ({"source_ip": "198.51.100.1"}, "ip_not_allowed"),
]


@pytest.mark.parametrize(("options", "code"), REFUSED)
def test_a_refused_request_is_no_use(stack: Deployed, options: dict[str, Any], code: str) -> None:
    agent = stack.agent(ip_ranges=["203.0.113.0/24"])
    assert stack.call(agent, "GET", "/v1/whoami", **options).code == code
    assert last_used(stack, agent) is None


def test_a_replay_from_elsewhere_is_no_use(stack: Deployed, clock: Clock) -> None:
    agent, nonce, timestamp = stack.agent(), unique(), int(time.time())
    assert use(stack, agent, nonce=nonce, timestamp=timestamp) == 200
    used = last_used(stack, agent)
    clock.now += INTERVAL
    replayed = stack.call(agent, "GET", "/v1/whoami", nonce=nonce, timestamp=timestamp, source_ip=ELSEWHERE)
    assert (replayed.code, last_used(stack, agent)) == ("nonce_replayed", used)
    assert use(stack, agent, source_ip=ELSEWHERE) == 200
    assert last_used(stack, agent)["ip"] == ELSEWHERE, "the replay has not used up the address's minute"


def test_a_use_whose_write_failed_does_not_use_up_the_minute(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = stack.agent()

    def down(*_: Any) -> dict[str, Any]:
        raise Unavailable("dynamodb: connection refused")

    with monkeypatch.context() as patch:
        patch.setattr("portcullis.aws.dynamo.Table.put_if", down)
        with pytest.raises(Unavailable):
            use(stack, agent)
    assert last_used(stack, agent) is None
    assert use(stack, agent) == 200
    assert last_used(stack, agent)["ip"] == HOME


def test_many_requests_in_a_minute_are_one_item_of_the_index(stack: Deployed, clock: Clock) -> None:
    agent = stack.agent()
    for _ in range(20):
        assert use(stack, agent) == 200
        clock.now += INTERVAL // 20
    assert (len(remembered(stack)), len(stack.items("NONCES_TABLE"))) == (1, 20)
    assert use(stack, agent) == 200
    assert len(remembered(stack)) == 2
    assert last_used(stack, agent)["at"] == rfc3339(clock.now)


def test_another_address_shows_at_once_even_in_the_same_second(stack: Deployed, clock: Clock) -> None:
    agent = stack.agent()
    for address in (HOME, ELSEWHERE):
        clock.now += 1000
        assert use(stack, agent, source_ip=address) == 200
        assert last_used(stack, agent) == {"at": rfc3339(clock.now), "ip": address}


def test_ever_new_addresses_do_not_fill_the_index(stack: Deployed, clock: Clock) -> None:
    agent = stack.agent()
    for number in range(3 * MAX_ADDRESSES):
        clock.now += 1000
        assert use(stack, agent, source_ip=f"192.0.2.{number}") == 200
    assert len(remembered(stack)) == MAX_ADDRESSES


def test_the_newest_use_counts_whichever_process_tells_it(stack: Deployed, clock: Clock) -> None:
    agent = stack.agent()
    for address in (HOME, ELSEWHERE, HOME):
        deployed.forget()
        clock.now += 1000
        assert use(stack, agent, source_ip=address) == 200
    assert last_used(stack, agent) == {"at": rfc3339(clock.now), "ip": HOME}
    assert len(remembered(stack)) == 3


def test_each_key_of_an_agent_has_its_own_last_use(stack: Deployed, clock: Clock) -> None:
    agent = stack.agent()
    issued = stack.operator("POST", "/v1/agents/{agent}/keys", {}, agent=agent.agent_id).body
    other = Agent(agent.agent_id, issued["key_id"], issued["secret"])
    assert use(stack, other, source_ip=ELSEWHERE) == 200
    listed = stack.operator("GET", "/v1/agents/{agent}/keys", agent=agent.agent_id).body["keys"]
    uses = {key["key_id"]: key["last_used"] for key in listed}
    assert uses == {agent.key_id: None, other.key_id: {"at": rfc3339(clock.now), "ip": ELSEWHERE}}


def test_a_use_is_kept_for_90_days_and_an_ordinary_nonce_as_long_as_before(stack: Deployed, clock: Clock) -> None:
    agent, timestamp = stack.agent(), int(time.time()) - 299
    for _ in range(2):
        assert use(stack, agent, timestamp=timestamp) == 200
    expiries = {"used_at" in item: int(item["expires_at"]["N"]) for item in stack.items("NONCES_TABLE")}
    assert USES_KEPT_SECONDS == 90 * 86_400
    assert expiries[True] > clock.now // SECOND + USES_KEPT_SECONDS
    assert expiries[False] == timestamp + 360


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    original: Callable[..., bytes] = Service.request

    def request(self: Service, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
        made.append(headers.get("x-amz-target", path).partition(".")[2])
        return original(self, method, path, headers, body)

    monkeypatch.setattr(Service, "request", request)
    return made


def test_telling_a_use_costs_no_call(stack: Deployed, calls: list[str]) -> None:
    agent = stack.agent()
    assert stack.pay(agent).status == 201
    for address, told in ((HOME, 1), (ELSEWHERE, 2)):
        calls.clear()
        assert stack.pay(agent, source_ip=address).status == 201
        assert calls == ["PutItem", "TransactWriteItems"]
        assert len(remembered(stack)) == told
