"""Source addresses are blocked for what nobody vouches for, agents never suffer, and blocks end."""

import json
from collections.abc import Iterator
from typing import Any, Literal

import boto3
import pytest

from functions.sources import handler as sources
from portcullis.aws import settings, source_blocks
from portcullis.aws.addresses import Addresses
from portcullis.aws.blocking import Blocking
from portcullis.aws.bus import Bus
from portcullis.aws.dynamo import Table
from portcullis.aws.firewall import Firewall
from portcullis.aws.wire import AwsError, Service, Unavailable
from portcullis.domain import request_sums
from portcullis.domain.detection.sources import SHORTEST
from portcullis.domain.request_sums import AUTHENTICATION_REFUSED, INTERVAL, Answered, RequestSums
from portcullis.domain.times import SECOND, rfc3339
from tests.functions.api_events import REGION, load_event
from tests.functions.deployed import Deployed, unique
from tests.unit.domain.builders import NOW

Event = dict[str, Any]
THIEF, WIDE = "198.51.100.9", "2001:db8:1:2::9"
ACCESS: Any = {"region_name": REGION, "aws_access_key_id": "test", "aws_secret_access_key": "test"}
MINUTE = 60 * SECOND


class World:
    """The function with its table, its sets of addresses, a clock, and what it put on the bus."""

    def __init__(self, stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        self.told: list[Event] = []
        self._waf = boto3.client("wafv2", endpoint_url=stack.endpoint, **ACCESS)
        made = [self._ip_set("IPV4"), self._ip_set("IPV6")]
        name = unique("profiles")
        _create_table(stack, name)
        environment = {"PROFILES_TABLE": name, "BUS_NAME": "default", "NEVER_BLOCK": "203.0.113.0/24 2001:db8:9::/48"}
        environment |= dict(zip(("BLOCK_LIST_ARN", "BLOCK_LIST_V6_ARN"), made, strict=True))
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        monkeypatch.setattr(sources, "_now", lambda: self.now)
        monkeypatch.setattr(Bus, "put", lambda _, events: self.told.extend(events))
        self.table = Table(name, Service("dynamodb", settings.aws()))
        self.arns = made

    def _ip_set(self, version: Literal["IPV4", "IPV6"]) -> str:
        made = self._waf.create_ip_set(
            Name=unique("set"), Scope="REGIONAL", IPAddressVersion=version, Addresses=[], Description="blocked"
        )
        return str(made["Summary"]["ARN"])

    def held(self) -> list[str]:
        """What the firewall keeps out."""
        found = []
        for arn in self.arns:
            name, identifier = arn.split("/")[-2:]
            found += self._waf.get_ip_set(Name=name, Scope="REGIONAL", Id=identifier)["IPSet"]["Addresses"]
        return found

    def types(self) -> list[tuple[str, str]]:
        return [(event["type"], event["data"]["address"]) for event in self.told]

    def handle(self, *events: Event) -> list[str]:
        """The messages that are to come again."""
        answer = sources.handler(batch(*events), None)
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]

    def later(self, micros: int) -> int:
        """The schedule's run after so long; how many addresses it keeps out."""
        self.now += micros
        return int(sources.handler({}, None)["blocked"])


def _create_table(stack: Deployed, name: str) -> None:
    stack.dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "blocked", "AttributeType": "S"},
            {"AttributeName": "ends_at", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": source_blocks.INDEX,
                "KeySchema": [
                    {"AttributeName": "blocked", "KeyType": "HASH"},
                    {"AttributeName": "ends_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


@pytest.fixture
def world(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    sources.blocking.cache_clear()
    yield World(stack, monkeypatch)
    sources.blocking.cache_clear()


def refused(ip: str = THIEF, count: int = 412, at: int = NOW, **envelope: Any) -> Event:
    """The event file's refusals, from another address."""
    (message,) = load_event("sources/batch.json")["Records"]
    event: Event = json.loads(message["body"])["detail"]
    event["data"] |= {"count": count, "last_at": rfc3339(at)}
    return event | {"id": f"refusal/{unique()}#1", "ip": ip} | envelope


def batch(*events: Any) -> Event:
    (message,) = load_event("sources/batch.json")["Records"]
    bodies = [json.dumps({"detail-type": AUTHENTICATION_REFUSED, "detail": event}) for event in events]
    return {"Records": [{**message, "messageId": f"m{place}", "body": body} for place, body in enumerate(bodies)]}


def test_an_address_is_blocked_told_of_and_let_in_again(world: World) -> None:
    assert world.handle(refused(), refused(WIDE)) == []
    assert world.held() == [f"{THIEF}/32", "2001:db8:1:2::/64"]
    assert sorted(world.types()) == [("source.blocked", THIEF), ("source.blocked", "2001:db8:1:2::/64")]
    assert world.later(SHORTEST - 1) == 2
    assert world.later(1) == 0
    assert world.held() == []
    assert world.types()[2:] == [("source.unblocked", THIEF), ("source.unblocked", "2001:db8:1:2::/64")]
    world.later(MINUTE)
    assert len(world.told) == 4


def test_the_next_block_of_an_address_is_longer(world: World) -> None:
    world.handle(refused())
    world.later(SHORTEST)
    world.handle(refused(at=world.now))
    assert world.told[-1]["data"]["times"] == 2
    assert world.later(2 * SHORTEST - 1) == 1
    assert world.later(1) == 0


def test_the_firewall_is_told_of_all_new_blocks_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    call, calls = Service.json_call, list[str]()

    def noted(self: Service, target: str, version: str, payload: Event) -> Event:
        calls.append(target)
        return call(self, target, version, payload)

    monkeypatch.setattr(Service, "json_call", noted)
    world.handle(*[refused(f"198.51.100.{number}") for number in range(1, 6)])
    assert sum(target.endswith("UpdateIPSet") for target in calls) == 1
    assert len(world.held()) == 5


def test_below_the_threshold_nothing_happens_and_repetitions_count_once(world: World) -> None:
    below = refused(count=4)
    assert world.handle(*[below] * 20) == []
    world.handle(below)
    assert (world.held(), world.told) == ([], [])
    world.handle(refused(count=2))
    assert world.held() == [f"{THIEF}/32"]


def test_an_address_that_an_agent_uses_is_spared_and_so_is_one_that_is_never_blocked(world: World) -> None:
    Addresses(world.table).note("ag_1", {THIEF: NOW, "2001:db8:1:2::1": NOW})
    world.handle(refused(), refused(WIDE), refused("203.0.113.200"), refused("2001:db8:9:1::1"))
    assert (world.held(), world.told, world.later(MINUTE)) == ([], [], 0)


def test_a_verified_refusal_and_what_cannot_be_read_count_for_nothing(world: World) -> None:
    unreadable: list[Any] = [{"type": "authentication.refused"}, [], None, "x"]
    assert world.handle(refused(verified=True), refused(""), *unreadable) == []
    assert world.handle(refused(v=2), refused(type="request.refused")) == [], "nor another version, nor a borrowed type"
    assert world.held() == []


def test_an_operator_lifts_a_block_and_the_schedule_follows(world: World) -> None:
    world.handle(refused())
    (stored,) = source_blocks.list_blocks(world.table, world.now)
    assert stored.block.address == THIEF
    world.now += MINUTE
    assert source_blocks.unblock(world.table, THIEF, "arn:operator", "a customer", world.now) is not None
    assert source_blocks.unblock(world.table, THIEF, "arn:operator", "a customer", world.now) is None
    assert source_blocks.unblock(world.table, "nowhere", "arn:operator", "a customer", world.now) is None
    assert source_blocks.list_blocks(world.table, world.now) == []
    assert world.later(SECOND) == 0
    assert world.held() == []
    assert world.told[-1]["data"] == {"address": THIEF, "actor": "arn:operator", "reason": "a customer"}
    world.handle(refused())  # what was told before the block was lifted
    assert world.held() == []


@pytest.mark.parametrize("broken", ["hold", "_tell"])
def test_a_run_that_dies_after_the_block_is_stored_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def die(*_: object) -> None:
        raise Unavailable("gone")

    event = refused()
    with monkeypatch.context() as patched:
        patched.setattr(Firewall if broken == "hold" else Blocking, broken, die)
        assert world.handle(event) == []
    assert world.told == []
    assert world.handle(event) == []
    assert world.later(MINUTE) == 1
    assert world.held() == [f"{THIEF}/32"]
    assert world.types() == [("source.blocked", THIEF)]


def test_what_others_write_to_the_sets_meanwhile_is_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    call, met = Service.json_call, list[Event]()

    def contended(self: Service, target: str, version: str, payload: Event) -> Event:
        if target.endswith("UpdateIPSet") and len(met) < 2:
            met.append(payload)
            raise AwsError("WAFOptimisticLockException", 400, {})
        return call(self, target, version, payload)

    monkeypatch.setattr(Service, "json_call", contended)
    assert world.handle(refused()) == []
    assert len(met) == 2
    assert world.held() == [f"{THIEF}/32"]


def test_the_firewall_holds_the_last_to_end_where_there_are_too_many(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_blocks, "MOST_BLOCKED", 3)
    for number in range(5):
        world.now += SECOND
        world.handle(refused(f"198.51.100.{number + 1}", at=world.now))
    assert sorted(world.held()) == [f"198.51.100.{number}/32" for number in (3, 4, 5)]


def flood(sample: Answered, requests: int) -> list[Event]:
    """The events that so many refusals in 100 seconds make of it in one process."""
    sums, events = RequestSums(), list[Event]()
    for number in range(requests):
        now = NOW + number * 100 * SECOND // requests
        sums.add(sample, now)
        if number % 100 == 0:
            events += _flushed(sums, now)
    return events + _flushed(sums, NOW + 100 * SECOND + INTERVAL)


def _flushed(sums: RequestSums, now: int) -> list[Event]:
    batch = sums.batch(now, unique)
    sums.told({event["id"] for event in batch}, now)
    return batch


def test_a_flood_of_forgeries_and_replays_blocks_its_source_and_touches_no_agent(world: World, stack: Deployed) -> None:
    agent = stack.agent()
    before = stack.items()
    kinds = {"invalid_credentials": (THIEF, 100_000), "nonce_replayed": ("198.51.100.77", 10_000)}
    for problem, (ip, requests) in kinds.items():
        sample = request_sums.refused(AUTHENTICATION_REFUSED, problem, ip, agent=agent.agent_id, key_id=agent.key_id)
        events = flood(sample, requests)
        assert sum(event["data"]["count"] for event in events) == requests
        assert len(events) <= 12, "one in 10 s"
        world.now = NOW + 100 * SECOND
        assert world.handle(*events) == []
    assert world.types() == [("source.blocked", ip) for ip, _ in kinds.values()]
    assert sorted(world.held()) == ["198.51.100.77/32", f"{THIEF}/32"]
    assert stack.items() == before
    names = {item["pk"]["S"] for item in stack.dynamodb.scan(TableName=world.table.name)["Items"]}
    assert {name.partition("#")[0] for name in names} == {"SOURCE", "BLOCK"}
