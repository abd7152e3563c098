"""The lockdown of the fleet: nothing commits once it is complete, whatever races with it, and what comes back."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.lockdown import handler as scheduled
from functions.operator_api import request
from portcullis.aws import accounts, agents, changes, fleet, incidents, ledger, lockdowns, settings
from portcullis.aws.changes import Actor
from portcullis.aws.dynamo import Cancelled, Table
from portcullis.aws.lockdown_runs import Lockdowns
from portcullis.aws.wire import Service, Unavailable
from portcullis.domain.account import Account
from portcullis.domain.incidents import BY_OPERATOR, Trigger
from portcullis.domain.lockdown import SETTLED
from portcullis.domain.times import SECOND
from tests.functions.deployed import POLICY, Agent, Answer, Deployed
from tests.functions.fleet import fleet as agents_of
from tests.functions.people import People, Person
from tests.functions.settling import claim, executor, payer, post, settle

START = {"reason": "keys of many agents in a public repository"}
Step = Callable[[], object]


def micros() -> int:
    return time.time_ns() // 1000


@dataclass
class Ahead:
    """A clock that naps move ahead, so that no test waits for the index."""

    ahead: int = 0
    naps: list[float] = field(default_factory=list)

    def now(self) -> int:
        return micros() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.ahead += int(seconds * SECOND)


def table_of(stack: Deployed) -> Table:
    return Table(stack.environment["CORE_TABLE"], Service("dynamodb", settings.aws()))


def works(stack: Deployed, clock: Ahead | None = None) -> Lockdowns:
    clock = clock or Ahead()
    return Lockdowns([table_of(stack) for _ in range(4)], clock.now, clock.sleep)


def always() -> bool:
    return True


def start(stack: Deployed) -> dict[str, Any]:
    started = stack.operator("POST", "/v1/lockdown", START)
    assert started.status == 200, started
    return started.body


def shown(stack: Deployed) -> dict[str, Any]:
    return stack.operator("GET", "/v1/lockdown").body


def lock(stack: Deployed) -> dict[str, Any]:
    start(stack)
    assert works(stack).run(always)
    found = shown(stack)
    assert found["state"] == "locked", found
    return found


def lift(people: People, person: Person, **chosen: Any) -> dict[str, Any]:
    ordered = people.speak(person, "lockdown-lifts", **chosen)
    assert ordered.status == 200, ordered
    assert works(people.stack).run(always)
    return shown(people.stack)


def account(agent: str) -> Account:
    found = accounts.read(request.stores().table, agent)
    assert found is not None
    return found


def state(agent: Agent) -> str:
    return account(agent.agent_id).state


def expire_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every process read the flag anew, as it does after a second."""
    monkeypatch.setattr(fleet, "CACHE_SECONDS", 0.0)


def events(partition: str, prefix: str) -> list[str]:
    items, _ = request.stores().table.query(
        KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": partition}}
    )
    found = [item for item in items if str(item.get("type", "")).startswith(prefix)]
    assert [item["rev"] for item in found] == sorted(item["rev"] for item in found)
    return [item["type"] for item in found]


def test_the_flag_stops_an_agent_before_its_account_is_locked(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    expire_gates(monkeypatch)
    agent = stack.agent()
    earlier = stack.pay(agent, key="payment-before-it-began")
    start(stack)
    refused = stack.pay(agent)
    assert (refused.status, refused.code, state(agent)) == (403, "agent_suspended", "active")
    assert "lockdown" in refused.body["detail"]
    repeated = stack.pay(agent, key="payment-before-it-began")
    assert repeated.body["id"] == earlier.body["id"], "what was decided is answered, as to a suspended agent"


def test_the_flag_is_read_once_a_second_and_nobody_passes_when_it_cannot_be() -> None:
    class Scripted:
        reads = 0
        item: dict[str, Any] | None = None
        down = False

        def get(self, key: dict[str, Any]) -> dict[str, Any] | None:
            self.reads += 1
            if self.down:
                raise Unavailable("dynamodb")
            return self.item

    stored, now = Scripted(), itertools.chain([0.0, 0.5, 0.99, 1.0, 1.5, 2.1, 2.2, 2.3])
    gate = fleet.Gate(stored, lambda: next(now))  # type: ignore[arg-type]
    assert [gate.is_closed() for _ in range(3)] == [False] * 3
    assert stored.reads == 1
    stored.item = {"state": "locking"}
    assert [gate.is_closed() for _ in range(2)] == [True] * 2
    stored.down = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            gate.is_closed()
    stored.down, stored.item = False, {"state": "some state of a later release"}
    assert gate.is_closed()


def test_a_lockdown_locks_whoever_is_active_and_lifting_brings_back_no_others(
    stack: Deployed, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    expire_gates(monkeypatch)
    alice = people.first()
    active, suspended, contained = stack.agent(), stack.agent(), stack.agent()
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "leak"}, agent=suspended.agent_id)
    found = lock(stack)
    assert found["agents"] == {"total": 3, "seen": 3, "locked": 2, "failed": 0, "unreadable": 0}
    trigger = Trigger(BY_OPERATOR, "it was this one", "arn", "::1", micros(), 8)
    incident = incidents.contain(request.stores().table, contained.agent_id, trigger)
    assert incident is not None
    assert [state(each) for each in (active, suspended, contained)] == ["locked", "suspended", "suspended"]
    assert account(active.agent_id).live_keys, "its keys are kept"
    assert stack.pay(active).code == "agent_suspended"
    assert lift(people, alice, all=True)["state"] == "lifted"
    assert [state(each) for each in (active, suspended, contained)] == ["active", "suspended", "suspended"]
    assert stack.pay(active).status == 201
    assert events("FLEET", "lockdown.") == [
        f"lockdown.{each}" for each in ("started", "completed", "lifting", "lifted")
    ]
    assert events(f"AGENT#{active.agent_id}", "agent.") == ["agent.created", "agent.locked", "agent.unlocked"]


def test_what_was_allowed_before_never_moves_after_it(
    stack: Deployed, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    expire_gates(monkeypatch)
    alice, pays = people.first(), executor(stack)
    agent = payer(stack, pays)
    approved, held = stack.pay(agent), stack.pay(agent, "150")
    assert (approved.status, held.status) == (201, 202)
    lock(stack)
    answer = people.approve(alice, agent, held)
    assert (answer.status, answer.code) == (409, "state_conflict")
    assert "lockdown" in answer.body["detail"]
    lift(people, alice, all=True)
    assert people.approve(alice, agent, held).code == "state_conflict"
    assert claim(stack, pays, agent, approved.body["id"]).code == "state_conflict"


def test_what_was_claimed_before_is_reported_in_a_lockdown_too(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    expire_gates(monkeypatch)
    pays = executor(stack)
    agent = payer(stack, pays)
    claimed, approved = stack.pay(agent).body["id"], stack.pay(agent).body["id"]
    assert claim(stack, pays, agent, claimed).status == 200
    lock(stack)
    stack_forgets()
    assert claim(stack, pays, agent, approved).code == "agent_suspended"
    assert stack.call(pays, "GET", f"/v1/transactions/{claimed}?agent={agent.agent_id}").code == "agent_suspended"
    assert settle(stack, pays, agent, claimed).body["status"] == "settled"
    assert post(stack, agent, approved, "cancel").code == "agent_suspended"


def stack_forgets() -> None:
    from tests.functions.deployed import forget

    forget()
