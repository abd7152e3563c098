"""What the outbox lost is put on the bus and recorded, whatever dies or is throttled meanwhile, once."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from functions.audit_writer import handler as audit_writer
from functions.reconciler import handler as reconciler
from portcullis.aws import reconcile
from portcullis.aws.bus import ATTEMPTS, Bus
from portcullis.aws.dynamo import to_attributes
from portcullis.aws.reconcile import Reconciled
from portcullis.aws.wire import AwsError, Service, Unavailable
from portcullis.domain.reconciliation import LOST_AFTER
from portcullis.domain.times import HOUR
from tests.functions import audit as of_audit
from tests.functions.api_events import REGION, load_event
from tests.functions.audit import Audit
from tests.functions.deployed import Agent, Deployed
from tests.functions.settling import claim, executor, payer, settle

DAYS = 72 * HOUR
IDENTITY = {"region_name": REGION, "aws_access_key_id": "test", "aws_secret_access_key": "test"}


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 300_000


class World:
    """A stack whose pipe delivers nothing, an audit log, and the bus between them, of which ``put`` keeps count."""

    def __init__(self, stack: Deployed, audit: Audit) -> None:
        self.stack = stack
        self.audit = audit
        self.now = 0
        self.put: list[dict[str, Any]] = []
        self.refuse: Callable[[dict[str, Any]], bool] = lambda event: False

    def call(self, service: Service, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
        """PutEvents, which the next consumer is handed at once."""
        results = []
        for entry in payload["Entries"]:
            event = json.loads(entry["Detail"])
            assert (entry["EventBusName"], entry["Source"]) == ("stage-bus", "portcullis")
            assert entry["DetailType"] == event["type"]
            if self.refuse(event):
                results.append({"ErrorCode": "ThrottlingException", "ErrorMessage": "later"})
            else:
                self.put.append(event)
                results.append({"EventId": "1"})
        return {"FailedEntryCount": len(results), "Entries": results}

    def deliver(self, events: list[dict[str, Any]]) -> None:
        """The audit writer is handed events."""
        (message,) = load_event("audit_writer/batch.json")["Records"]
        wrapped = json.loads(message["body"])
        bodies = [json.dumps({**wrapped, "detail-type": event["type"], "detail": event}) for event in events]
        records = [{**message, "messageId": str(number), "body": body} for number, body in enumerate(bodies)]
        assert audit_writer.handler({"Records": records}, None) == {"batchItemFailures": []}

    def run(self, later: int = 0, *, more: bool = True) -> Reconciled:
        """One run, three days after all that happened, or ``later`` than that."""
        return reconciler.reconciler().run(self.now + DAYS + later, lambda: more)

    def ids(self) -> list[str]:
        return sorted(event["id"] for event in self.put)


@pytest.fixture
def world(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with of_audit.ed25519():
        audit = Audit({"endpoint_url": stack.endpoint, **IDENTITY}, int(stack.environment["CORE_TABLE"][5:]) + 10_000)
        for name, value in {**audit.environment, "BUS_NAME": "stage-bus"}.items():
            monkeypatch.setenv(name, value)
        world, call = World(stack, audit), Service.json_call

        def json_call(service: Service, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
            handled = world.call if target == "AWSEvents.PutEvents" else call
            return handled(service, target, version, payload)

        monkeypatch.setattr(Service, "json_call", json_call)
        monkeypatch.setattr(reconciler, "Bus", partial(Bus, sleep=lambda seconds: None))
        of_audit.forget()
        reconciler.reconciler.cache_clear()
        yield world
        of_audit.forget()
        reconciler.reconciler.cache_clear()


@pytest.fixture
def agent(world: World) -> Agent:
    """One with a settled payment and a held one."""
    pays = executor(world.stack)
    agent = payer(world.stack, pays)
    paid = world.stack.pay(agent).body["id"]
    assert claim(world.stack, pays, agent, paid).status == 200
    assert settle(world.stack, pays, agent, paid).status == 200
    world.stack.pay(agent, "200")
    world.now = time.time_ns() // 1000
    world.put.clear()  # what was told of the calls themselves, which nothing stores
    return agent


def stored(world: World) -> list[str]:
    """The ids of all events that the table stands for."""
    found = []
    for item in world.stack.items():
        if "type" in item:
            subject = item["subject"]["S"] if "subject" in item else item["sk"]["S"].removeprefix("TX#")
            last = int(item["rev"]["N"])
            found += [f"{subject}#{rev}" for rev in range(last if "subject" in item else 1, last + 1)]
    return sorted(found)


def test_what_was_lost_is_put_once_and_recorded_once(world: World, agent: Agent) -> None:
    assert len(stored(world)) > 8
    assert world.run() == Reconciled(len(stored(world)), len(stored(world)), finished=True)
    assert world.ids() == stored(world)
    world.deliver(world.put)
    assert world.run() == Reconciled(len(stored(world)), 0, finished=True)
    assert world.run() == Reconciled(0, 0, finished=True)
    assert sorted(entry.id for entry in world.audit.entries()) == stored(world)


def test_what_is_recorded_is_not_put_again(world: World, agent: Agent) -> None:
    world.run()
    half, world.put = world.put[::2], []
    world.deliver(half)
    world.run()
    assert world.ids() == sorted({*stored(world)} - {event["id"] for event in half})


def test_what_comes_late_after_all_is_still_one_entry(world: World, agent: Agent) -> None:
    world.run()
    whole = [event for event in world.put if event["type"] != "transaction.unrecorded"]
    world.deliver(world.put)
    world.deliver(whole)
    assert sorted(entry.id for entry in world.audit.entries()) == stored(world)


def test_what_the_stream_may_still_hold_is_left_to_it(world: World, agent: Agent) -> None:
    assert reconciler.handler({}, Context()) == {"examined": 0, "lost": 0, "finished": True}
    assert world.run(LOST_AFTER - HOUR - DAYS) == Reconciled(0, 0, finished=True)
    assert world.run().lost == len(stored(world))


def test_a_run_that_dies_is_taken_up_at_the_page_where_it_died(
    world: World, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "MOST_PAGES", 2)
    monkeypatch.setattr(reconciler.reconciler(), "_page_items", 3)
    world.refuse = lambda event: len(world.put) >= 7
    with pytest.raises(Unavailable, match="ThrottlingException"):
        go_on(world)
    world.refuse = lambda event: False
    go_on(world)
    assert set(world.ids()) == set(stored(world))
    assert len(world.put) - len(stored(world)) < 7, "it began anew"


def go_on(world: World) -> None:
    for _ in range(20):
        if world.run().finished:
            return
    raise AssertionError("it gets nowhere")


def test_entries_that_are_refused_within_a_call_are_put_again(world: World, agent: Agent) -> None:
    tries: dict[str, int] = {}

    def refuse(event: dict[str, Any]) -> bool:
        tries[event["id"]] = tries.get(event["id"], 0) + 1
        return tries[event["id"]] < ATTEMPTS and event["rev"] % 2 == 0

    world.refuse = refuse
    world.run()
    assert world.ids() == stored(world)
    assert {count for id_, count in tries.items() if int(id_[-1]) % 2} == {1}


def test_without_time_nothing_is_begun_and_nothing_lost(world: World, agent: Agent) -> None:
    assert world.run(more=False) == Reconciled(0, 0, finished=False)
    assert world.run().lost == len(stored(world))


def test_an_item_that_cannot_be_read_is_told_and_holds_up_no_other(
    world: World, agent: Agent, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = set(stored(world))
    broken = to_attributes({"pk": "AGENT#x", "sk": "EVENT#1", "type": "key.issued", "at": world.now})
    world.stack.dynamodb.put_item(TableName=world.stack.environment["CORE_TABLE"], Item=broken)
    world.run()
    assert set(world.ids()) == whole
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [line["pk"] for line in lines if "ReconcileFault" in line] == ["AGENT#x"]
    assert [line["Reemitted"] for line in lines if "Reemitted" in line] == [len(whole)]


def test_a_throttled_table_ends_the_run_and_loses_nothing(
    world: World, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = reconciler.reconciler()._core

    def throttled(**_: Any) -> Any:
        raise AwsError("ProvisionedThroughputExceededException", 400, {})

    with monkeypatch.context() as patch:
        patch.setattr(core, "scan", throttled)
        with pytest.raises(AwsError):
            world.run()
    assert world.run().lost == len(stored(world))
