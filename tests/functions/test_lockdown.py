"""The lockdown of the fleet: nothing commits once it is complete, whatever races with it, and what comes back."""

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import pytest

from functions.lockdown import handler as scheduled
from functions.operator_api import request
from portcullis.aws import accounts, changes, fleet, incidents, listings, lockdown_runs, lockdowns, settings
from portcullis.aws.dynamo import Cancelled, Reason, Table
from portcullis.aws.ledger import Ledger
from portcullis.aws.lockdown_runs import Lockdowns
from portcullis.aws.policies import Policies
from portcullis.aws.wire import Service, Unavailable
from portcullis.domain import lockdown as domain
from portcullis.domain.account import Account
from portcullis.domain.incidents import BY_OPERATOR, Trigger
from portcullis.domain.lockdown import SETTLED
from portcullis.domain.record import Record
from portcullis.domain.times import SECOND
from tests.functions.deployed import POLICY, Agent, Deployed, forget, unique
from tests.functions.fleet import fleet as agents_of
from tests.functions.people import People, Person
from tests.functions.settling import claim, executor, payer, post, settle
from tests.functions.test_races import principal, transfer

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
    forget()
    assert claim(stack, pays, agent, approved).code == "agent_suspended"
    assert stack.call(pays, "GET", f"/v1/transactions/{claimed}?agent={agent.agent_id}").code == "agent_suspended"
    assert settle(stack, pays, agent, claimed).body["status"] == "settled"
    assert post(stack, agent, approved, "cancel").code == "agent_suspended"


def paying(stack: Deployed, agents: list[Agent], until: Callable[[], bool]) -> list[str]:
    """Pay for these agents in turn, past authorizer and firewall: what was allowed."""
    policies = Policies(Service("s3", settings.aws()), stack.environment["POLICY_BUCKET"])
    ledger, done = Ledger(table_of(stack), policies, micros=micros), list[str]()
    while not until():
        for agent in agents:
            outcome = ledger.submit(principal(agent), unique("tx"), transfer())
            done += [outcome.id] if isinstance(outcome, Record) else []
    return done


def test_whatever_races_with_it_has_committed_before_its_account_was_locked_or_is_refused(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even for functions that never see the flag: the account's own state bars the commit."""
    monkeypatch.setattr(fleet.Gate, "is_closed", lambda _: False)
    agents, complete = [stack.agent() for _ in range(3)], Event()

    def stored() -> list[dict[str, Any]]:
        return [item for item in stack.items() if item["sk"]["S"].startswith("TX#")]

    with ThreadPoolExecutor(3) as threads:
        payers = [threads.submit(paying, stack, agents, complete.is_set) for _ in range(3)]
        lock(stack)
        before = len(stored())
        complete.set()
        committed = [txid for each in payers for txid in each.result()]
    assert len(stored()) == before, "nothing commits once completion is reported"
    assert {item["sk"]["S"].removeprefix("TX#") for item in stored()} == {*committed}
    assert {int(item["epoch"]["N"]) for item in stored()} <= {1}
    assert {(account(each.agent_id).epoch, state(each)) for each in agents} == {(2, "locked")}


def test_no_agent_is_created_in_a_lockdown_and_a_repeat_is_answered(stack: Deployed) -> None:
    new, key = {"name": "payer", "policy": POLICY}, {"Idempotency-Key": unique("agent")}
    made = stack.operator("POST", "/v1/agents", new, headers=key)
    start(stack)
    refused = stack.operator("POST", "/v1/agents", new)
    assert (refused.status, refused.code) == (409, "state_conflict")
    assert "lockdown" in refused.body["detail"]
    assert stack.operator("POST", "/v1/agents", new, headers=key).body["agent_id"] == made.body["agent_id"]


def test_agents_that_are_created_at_once_do_not_stand_in_each_others_way(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They all look at the one flag, on which DynamoDB may cancel one transaction for another's sake."""
    original, conflicts = Table.transact, iter([True, False])

    def transact(self: Table, *actions: dict[str, Any]) -> None:
        if next(conflicts, False):
            raise Cancelled([Reason("None", None)] * 3 + [Reason("TransactionConflict", None)])
        original(self, *actions)

    monkeypatch.setattr(Table, "transact", transact)
    assert stack.operator("POST", "/v1/agents", {"name": "payer"}).status == 201


def test_a_completion_that_meets_a_creation_is_written_all_the_same(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, conflicts = Table.transact, itertools.chain([True], itertools.repeat(False))

    def transact(self: Table, *actions: dict[str, Any]) -> None:
        if "lockdown.completed" in str(actions) and next(conflicts):
            raise Cancelled([Reason("TransactionConflict", None), Reason("None", None)])
        original(self, *actions)

    monkeypatch.setattr(Table, "transact", transact)
    lock(stack)
    assert events("FLEET", "lockdown.") == ["lockdown.started", "lockdown.completed"]


@pytest.mark.parametrize("crashes_at", [1, 4, 9, 14])
def test_a_run_that_dies_anywhere_is_gone_on_with(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch, crashes_at: int
) -> None:
    """Whoever comes next waits for the dead one's lease alone, and goes over nobody twice in a pass."""
    agents_of(stack, 5)
    monkeypatch.setattr(lockdown_runs, "CHUNK", 2)
    start(stack)
    calls, clock = itertools.count(1), Ahead()

    class Dies(Table):
        def update_if(self, *arguments: Any) -> Any:
            return self._perhaps(super().update_if, *arguments)

        def transact(self, *arguments: Any) -> Any:
            return self._perhaps(super().transact, *arguments)

        def _perhaps(self, act: Callable[..., Any], *arguments: Any) -> Any:
            if next(calls) == crashes_at:
                raise KeyError("the process is gone")
            return act(*arguments)

    dying = Dies(stack.environment["CORE_TABLE"], Service("dynamodb", settings.aws()))
    with pytest.raises(KeyError):
        Lockdowns([dying], clock.now, clock.sleep).run(always)
    if crashes_at > 1:
        assert not works(stack, clock).run(always), "its lease is not over"
        clock.ahead += lockdowns.LEASE
    assert works(stack, clock).run(always)
    found = shown(stack)
    assert (found["state"], found["agents"]["seen"], found["agents"]["locked"]) == ("locked", 6, 6)


def test_it_is_not_complete_before_the_index_shows_whoever_was_created_last(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, clock = stack.agent(), Ahead()
    walk, hidden = listings.walk, clock.now() + SETTLED // 2

    def lagging(table: Table, partition: str, *place: Any) -> Iterator[dict[str, Any]]:
        entries = walk(table, partition, *place)
        return (entry for entry in entries if clock.now() > hidden or late.agent_id not in entry["pk"])

    monkeypatch.setattr(listings, "walk", lagging)
    start(stack)
    assert works(stack, clock).run(always)
    assert (shown(stack)["state"], state(late)) == ("locked", "locked")
    assert clock.naps, "it has waited for that"


def test_an_account_that_cannot_be_changed_yet_is_tried_until_it_can(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubborn, other = stack.agent(), stack.agent()
    apply, faults = changes.apply, itertools.chain([True, True], itertools.repeat(False))

    def contended(table: Table, agent: str, *arguments: Any) -> Any:
        if agent == stubborn.agent_id and next(faults):
            raise Unavailable("contended")
        return apply(table, agent, *arguments)

    monkeypatch.setattr(changes, "apply", contended)
    assert lock(stack)["agents"]["failed"] == 0
    assert {state(stubborn), state(other)} == {"locked"}


def test_what_cannot_be_read_holds_up_nobody_and_is_counted(stack: Deployed) -> None:
    broken, other = stack.agent(), stack.agent()
    request.stores().table.update_if(accounts.primary_key(broken.agent_id), {"UpdateExpression": "REMOVE rev"})
    found = lock(stack)["agents"]
    assert (found["unreadable"], found["locked"], state(other)) == (1, 1, "locked")


def test_it_is_lifted_in_stages_each_by_a_code(
    stack: Deployed, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    expire_gates(monkeypatch)
    alice, first = people.first(), stack.agent()
    others = {key.agent for key in agents_of(stack, 6)}
    model = 1  # the agent that the others are made like
    lock(stack)
    found = lift(people, alice, agents=[first.agent_id])
    assert (found["state"], state(first)) == ("lifting", "active")
    assert "stage" not in found
    found = lift(people, alice, share=30)
    assert found["agents"]["locked"] == 6 + model - 3, "a share is rounded up"
    assert stack.operator("POST", "/v1/agents", {"name": "payer"}).status == 201
    found = lift(people, alice, all=True)
    assert (found["state"], found["agents"]["locked"]) == ("lifted", 0)
    assert {account(agent).state for agent in others} == {"active"}
    assert events("FLEET", "lockdown.").count("lockdown.stage_lifted") == 2


def test_started_again_while_it_is_lifted_it_locks_everybody_anew(
    stack: Deployed, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whoever still lifts on behalf of the earlier one brings nobody back."""
    expire_gates(monkeypatch)
    alice, lifted, waiting = people.first(), stack.agent(), stack.agent()
    lock(stack)
    lift(people, alice, agents=[lifted.agent_id])
    assert people.speak(alice, "lockdown-lifts", all=True).status == 200
    stale = lockdowns.take(request.stores().table, "of a slow process", micros())
    assert stale is not None
    assert start(stack)["number"] == 2
    assert start(stack)["number"] == 2, "while it holds, starting it changes nothing"
    with pytest.raises(lockdowns.LeaseLost):
        lockdowns.note(request.stores().table, stale, micros())
    assert lock(stack)["agents"]["locked"] == 2
    assert not any(domain.is_due(stale, account(each.agent_id)) for each in (lifted, waiting))
    assert [account(each.agent_id).epoch for each in (lifted, waiting)] == [3, 2]


def before_the_first_lock(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """A worker has read an active account, and is about to lock it."""
    transact, late = Table.transact, iter([True])

    def slow(self: Table, *actions: dict[str, Any]) -> None:
        if "agent.locked" in str(actions) and next(late, False):
            happens()
        transact(self, *actions)

    monkeypatch.setattr(Table, "transact", slow)


def test_whoever_locks_late_locks_nobody_that_was_lifted_meanwhile(
    stack: Deployed, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow worker has read an active account; before it writes, another one completes the lift of all."""
    expire_gates(monkeypatch)
    alice, agent = people.first(), stack.agent()
    start(stack)

    def lifted() -> None:
        assert lift(people, alice, all=True)["state"] == "lifted"

    before_the_first_lock(monkeypatch, lifted)
    assert works(stack).run(always)
    assert (shown(stack)["state"], state(agent)) == ("lifted", "active")
    assert stack.pay(agent).status == 201
    assert events(f"AGENT#{agent.agent_id}", "agent.") == ["agent.created"]


def test_whoever_locks_late_for_an_earlier_lockdown_leaves_it_to_the_later_one(
    stack: Deployed, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    expire_gates(monkeypatch)
    alice, agent = people.first(), stack.agent()
    start(stack)

    def started_anew() -> None:
        lift(people, alice, all=True)
        start(stack)

    before_the_first_lock(monkeypatch, started_anew)
    assert works(stack).run(always)
    assert state(agent) == "active"
    assert lock(stack)["number"] == 2
    assert (account(agent.agent_id).lock, account(agent.agent_id).epoch) == (2, 2)


def test_whoever_locks_at_once_with_others_looks_at_the_order_again(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They all check the one item of the flag, on which DynamoDB may cancel one transaction for another's sake."""
    agents = [stack.agent() for _ in range(3)]
    transact, conflicts = Table.transact, iter([True] * 4)

    def contended(self: Table, *actions: dict[str, Any]) -> None:
        if "agent.locked" in str(actions) and next(conflicts, False):
            raise Cancelled([Reason("None", None), Reason("TransactionConflict", None), Reason("None", None)])
        transact(self, *actions)

    monkeypatch.setattr(Table, "transact", contended)
    assert lock(stack)["agents"]["failed"] == 0
    assert {state(each) for each in agents} == {"locked"}


def test_lifting_takes_the_code_of_another_person(stack: Deployed, people: People) -> None:
    alice = people.first()
    bob = people.another(alice)
    nothing = people.speak(alice, "lockdown-lifts", all=True)
    assert (nothing.status, nothing.code) == (409, "state_conflict")
    assert people.call(alice, "POST", "/v1/lockdown", START).status == 200
    assert people.speak(bob, "lockdown-lifts", people.wrong(bob), all=True).code == "forbidden"
    borrowed = replace(bob, arn=alice.arn)
    assert people.speak(borrowed, "lockdown-lifts", all=True).code == "forbidden"
    own = people.speak(alice, "lockdown-lifts", all=True)
    assert (own.status, own.code) == (409, "state_conflict")
    assert "Another approver" in own.body["detail"]
    code = people.code(bob)
    assert people.speak(bob, "lockdown-lifts", code, all=True).status == 200, "also before it is complete"
    again = people.speak(bob, "lockdown-lifts", code, all=True)
    assert again.code == "forbidden", "a code is used once"
    assert "to its end" in people.speak(bob, "lockdown-lifts", all=True).body["detail"]


def test_some_are_lifted_only_once_everybody_was_locked(
    stack: Deployed, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the stage opens the flag, and whoever was not visited yet would go on."""
    expire_gates(monkeypatch)
    alice, chosen, other = people.first(), stack.agent(), stack.agent()
    start(stack)
    for some in ({"agents": [chosen.agent_id]}, {"share": 10}):
        refused = people.speak(alice, "lockdown-lifts", **some)
        assert (refused.status, refused.code) == (409, "state_conflict")
        assert "portcullis lockdown resume" in refused.body["detail"]
    assert stack.pay(other).code == "agent_suspended"
    lock(stack)
    assert lift(people, alice, agents=[chosen.agent_id])["state"] == "lifting"
    assert stack.pay(chosen).status == 201
    assert stack.pay(other).code == "agent_suspended"


@pytest.mark.parametrize(
    "body",
    [{}, {"all": True, "share": 5}, {"share": 0}, {"share": 101}, {"agents": []}, {"agents": ["x"]}, {"all": False}],
)
def test_what_is_lifted_is_said_in_exactly_one_way(stack: Deployed, people: People, body: dict[str, Any]) -> None:
    answer = people.speak(people.first(), "lockdown-lifts", "000000", **body)
    assert (answer.status, answer.code) == (400, "malformed_request")


def test_keys_are_kept_revoked_and_not_issued_in_a_lockdown(
    stack: Deployed, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    expire_gates(monkeypatch)
    alice, agent = people.first(), stack.agent(self_rotation=True)
    other = stack.agent(self_rotation=True)
    lock(stack)
    refused = stack.operator("POST", "/v1/agents/{agent}/keys", {}, agent=agent.agent_id)
    assert (refused.status, refused.code) == (409, "state_conflict")
    assert "lockdown" in refused.body["detail"]
    key = {"Idempotency-Key": unique("rotation")}
    assert stack.call(agent, "POST", "/v1/keys/rotate", headers=key).code == "agent_suspended"
    revoked = stack.operator("POST", "/v1/agents/{agent}/keys/revoke", {}, agent=other.agent_id)
    assert revoked.body["revoked"] == [other.key_id]
    lift(people, alice, all=True)
    assert stack.call(agent, "POST", "/v1/keys/rotate", headers=key).status == 201, (
        "its epoch is another, and its key live"
    )
    assert stack.pay(other).status == 401


def test_the_schedule_goes_on_with_what_nobody_drives(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 60_000

    agent = stack.agent()
    assert scheduled.handler({}, Context()) == {"worked": False}
    monkeypatch.setattr(domain, "SETTLED", 0)
    start(stack)
    assert scheduled.handler({}, Context()) == {"worked": True}
    assert (shown(stack)["state"], state(agent)) == ("locked", "locked")
    assert stack.operator("POST", "/v1/lockdown/run").body["worked"] is False
