"""Moves that race one another, with crashes before and after any write."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest

from portcullis.aws import accounts, agents, changes, freezing, incidents, records, settings, transitions
from portcullis.aws.changes import Actor
from portcullis.aws.dynamo import Table
from portcullis.aws.ledger import Ledger, Rejected
from portcullis.aws.policies import Policies
from portcullis.aws.sweep import sweep
from portcullis.aws.transitions import Plan
from portcullis.aws.wire import Service, Unavailable
from portcullis.domain import lifecycle
from portcullis.domain.account import Account
from portcullis.domain.decisions import BY_HUMAN
from portcullis.domain.incidents import BY_OPERATOR, Trigger
from portcullis.domain.lifecycle import Conflict
from portcullis.domain.record import CLAIM_LIFETIME, Mover, Record
from tests.functions.deployed import POLICY, Agent, Deployed, unique
from tests.functions.test_races import SerialService, principal, transfer

NOW = 1_800_000_000_000_000
ACTOR = Actor("arn:aws:iam::123456789012:user/operator", "203.0.113.1", NOW)
TRIGGER = Trigger(BY_OPERATOR, "drill", ACTOR.arn, ACTOR.source_ip, NOW, 8)
FAST = {"rate": {"per_minute": 60_000, "burst": 10_000}, "tiers": {"human_above": "400"}}


class Crash(Exception):
    """The process died."""


class CrashingTable(Table):
    """A table whose caller dies now and then, just before a write or just after it."""

    chance: random.Random | None = None
    crashes: ClassVar[Counter[str]] = Counter()

    def transact(self, *actions: dict[str, Any]) -> None:
        self._perhaps("before")
        super().transact(*actions)
        self._perhaps("after")

    def _perhaps(self, moment: str) -> None:
        if self.chance is not None and self.chance.random() < 0.15:
            self.crashes[moment] += 1
            raise Crash(moment)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "BACKOFF_SECONDS", 0.002)


def table_of(stack: Deployed, chance: random.Random | None = None) -> CrashingTable:
    """A table with a connection of its own, as every process has."""
    table = CrashingTable(stack.environment["CORE_TABLE"], SerialService("dynamodb", settings.aws()))
    table.chance = chance
    return table


def ledger_of(stack: Deployed, table: Table) -> Ledger:
    policies = Policies(Service("s3", settings.aws()), stack.environment["POLICY_BUCKET"])
    return Ledger(table, policies, micros=lambda: NOW, sleep=lambda _: None)


def approved(stack: Deployed, agent: Agent, amount: str = "10", status: str = "approved") -> Record:
    outcome = ledger_of(stack, table_of(stack)).submit(principal(agent), unique("tx"), transfer(amount))
    assert isinstance(outcome, Record)
    assert outcome.status == status
    return outcome


def mover(actor: str, at: int = NOW) -> Mover:
    return Mover(actor, None, "203.0.113.9", at)


def claiming(actor: str, token: bytes = b"t" * 16) -> Plan:
    return lambda record, account: lifecycle.claim(record, account, mover(actor), token)


def account_of(stack: Deployed, agent: Agent) -> Account:
    account = accounts.read(table_of(stack), agent.agent_id)
    assert account is not None
    return account


def money(account: Account) -> dict[str, int]:
    return {name: amount for name, amount in account.windows.items() if name[0] in "dwm"}


def all_records(stack: Deployed, agent: Agent) -> list[Record]:
    mine = [item["sk"]["S"] for item in stack.items() if item["pk"]["S"] == f"AGENT#{agent.agent_id}"]
    found = (records.read(table_of(stack), agent.agent_id, sk[3:]) for sk in mine if sk.startswith("TX#"))
    return [record for record in found if record is not None]


def race(*runners: Callable[[], Any]) -> list[Any]:
    """What each runner returns when all start at once."""
    barrier = threading.Barrier(len(runners))

    def run(runner: Callable[[], Any]) -> Any:
        barrier.wait(30)
        return runner()

    with ThreadPoolExecutor(len(runners)) as threads:
        return list(threads.map(run, runners))


def test_of_two_executors_one_wins(stack: Deployed) -> None:
    agent = stack.agent(POLICY)
    record = approved(stack, agent)

    def claim(number: int) -> Any:
        plan = claiming(f"executor {number % 2}", bytes([number]) * 16)
        return transitions.apply(table_of(stack), agent.agent_id, record.id, plan)

    outcomes = race(*[lambda number=number: claim(number) for number in range(16)])
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Record)]
    assert [type(outcome) for outcome in outcomes].count(Conflict) == 15
    assert records.read(table_of(stack), agent.agent_id, record.id) == winner


def test_a_claim_completes_before_a_suspension_or_is_refused(stack: Deployed) -> None:
    agent = stack.agent({**POLICY, **FAST})
    waiting = [approved(stack, agent, "1") for _ in range(12)]
    suspended = threading.Event()

    def claim(record: Record) -> tuple[bool, Any]:
        late = suspended.is_set()
        return late, transitions.apply(table_of(stack), agent.agent_id, record.id, claiming("executor"))

    def stop() -> None:
        agents.suspend(table_of(stack), ACTOR, agent.agent_id, "drill")
        suspended.set()

    *claims, _ = race(*[lambda record=record: claim(record) for record in waiting], stop)
    for late, outcome in claims:
        assert isinstance(outcome, Conflict) or not late
    executing = {record.id for record in all_records(stack, agent) if record.status == "executing"}
    assert executing == {outcome.id for _, outcome in claims if isinstance(outcome, Record)}
    for record in waiting:
        again = transitions.apply(table_of(stack), agent.agent_id, record.id, claiming("executor"))
        assert isinstance(again, Conflict)


def test_the_epoch_freezes_what_no_listing_has_found_yet(stack: Deployed) -> None:
    agent = stack.agent(POLICY)
    record = approved(stack, agent)
    key = {"pk": {"S": f"AGENT#{agent.agent_id}"}, "sk": {"S": f"TX#{record.id}"}}
    name = stack.environment["CORE_TABLE"]
    stack.dynamodb.update_item(TableName=name, Key=key, UpdateExpression="REMOVE status_key")
    agents.suspend(table_of(stack), ACTOR, agent.agent_id, "drill")
    outcome = transitions.apply(table_of(stack), agent.agent_id, record.id, claiming("executor"))
    assert isinstance(outcome, Conflict)
    assert "frozen" in outcome.detail


class Overtaken(CrashingTable):
    """Just before its first write, ``rival`` makes another one."""

    rival: Callable[[], Any] | None = None

    def transact(self, *actions: dict[str, Any]) -> None:
        if self.rival is not None:
            rival, self.rival = self.rival, None
            rival()
        super().transact(*actions)


def overtaken(stack: Deployed, rival: Callable[[], Any]) -> Overtaken:
    table = Overtaken(stack.environment["CORE_TABLE"], SerialService("dynamodb", settings.aws()))
    table.rival = rival
    return table


def test_a_claim_judged_before_a_suspension_is_refused_after_it(stack: Deployed) -> None:
    agent = stack.agent(POLICY)
    record = approved(stack, agent)
    table = overtaken(stack, lambda: agents.suspend(table_of(stack), ACTOR, agent.agent_id, "drill"))
    assert isinstance(transitions.apply(table, agent.agent_id, record.id, claiming("executor")), Conflict)


def test_a_confirmation_judged_before_a_suspension_is_refused_after_it(stack: Deployed) -> None:
    other = stack.agent()
    allowlist = {"agents": [other.agent_id], "kinds": ["escrow_release"]}
    agent = stack.agent({"allowlist": allowlist, "limits": {"per_transaction": "500", "daily": "1000"}})
    fields = {"kind": "escrow_release", "escrow_id": "escrow-1", "destination": {"agent": other.agent_id}}
    txid, parties = stack.pay(agent, fields=fields).body["id"], frozenset({agent.agent_id, other.agent_id})

    def plan(record: Record, account: Account) -> lifecycle.Outcome:
        mover = Mover(other.agent_id, other.key_id, "203.0.113.7", record.created_at)
        return lifecycle.confirm(record, account, mover, record.content_sha256, parties)

    table = overtaken(stack, lambda: agents.suspend(table_of(stack), ACTOR, agent.agent_id, "drill"))
    outcome = transitions.apply(table, agent.agent_id, txid, plan)
    assert isinstance(outcome, Conflict)
    assert "frozen" in outcome.detail


def test_a_claim_judged_in_an_older_epoch_is_refused_also_when_the_agent_is_active_again(stack: Deployed) -> None:
    agent = stack.agent(POLICY)
    record = approved(stack, agent)

    def suspend_and_reinstate() -> None:
        agents.suspend(table_of(stack), ACTOR, agent.agent_id, "drill")
        stack.dynamodb.update_item(
            TableName=stack.environment["CORE_TABLE"],
            Key={"pk": {"S": f"AGENT#{agent.agent_id}"}, "sk": {"S": "ACCOUNT"}},
            UpdateExpression="SET #state = :active",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":active": {"S": "active"}},
        )

    table = overtaken(stack, suspend_and_reinstate)
    outcome = transitions.apply(table, agent.agent_id, record.id, claiming("executor"))
    assert isinstance(outcome, Conflict)
    assert "frozen" in outcome.detail


def test_a_claim_judged_under_an_older_policy_is_judged_again(stack: Deployed) -> None:
    agent = stack.agent(POLICY)
    record, versions = approved(stack, agent), []

    def plan(current: Record, account: Account) -> Any:
        versions.append(account.policy_version)
        return claiming("executor")(current, account)

    path, headers = "/v1/agents/{agent}/policy", {"If-Match": '"1"'}
    publish = lambda: stack.operator("PUT", path, {**POLICY, **FAST}, headers=headers, agent=agent.agent_id)  # noqa: E731
    assert isinstance(transitions.apply(overtaken(stack, publish), agent.agent_id, record.id, plan), Record)
    assert versions == [1, 2]


@pytest.mark.parametrize("first", ["cancel", "claim"])
def test_of_cancel_and_claim_one_wins(stack: Deployed, first: str) -> None:
    agent = stack.agent(POLICY)
    record = approved(stack, agent)
    plans: dict[str, Plan] = {
        "claim": claiming("executor"),
        "cancel": lambda current, _: lifecycle.cancel(current, mover(agent.agent_id), None),
    }
    second = next(name for name in plans if name != first)
    table = overtaken(stack, lambda: transitions.apply(table_of(stack), agent.agent_id, record.id, plans[first]))
    assert isinstance(transitions.apply(table, agent.agent_id, record.id, plans[second]), Conflict)
    assert sum(money(account_of(stack, agent)).values()) == (0 if first == "cancel" else 10_000_000)


@pytest.mark.parametrize("first", ["settle", "expire"])
def test_what_was_paid_is_settled_whoever_comes_first(stack: Deployed, first: str) -> None:
    agent = stack.agent(POLICY)
    record = approved(stack, agent)
    transitions.apply(table_of(stack), agent.agent_id, record.id, claiming("executor"))
    late = NOW + lifecycle.LEASE
    plans: dict[str, Plan] = {
        "settle": lambda current, _: lifecycle.settle(current, mover("executor", late), b"t" * 16, "ref"),
        "expire": lambda current, _: lifecycle.expire(current, late),
    }
    second = next(name for name in plans if name != first)
    table = overtaken(stack, lambda: transitions.apply(table_of(stack), agent.agent_id, record.id, plans[first]))
    outcome = transitions.apply(table, agent.agent_id, record.id, plans[second])
    assert isinstance(outcome, Record)
    assert outcome.status == "settled"
    assert sum(money(account_of(stack, agent)).values()) == 10_000_000


def test_a_reservation_whose_window_is_over_is_given_up_without_one(stack: Deployed) -> None:
    agent = stack.agent(POLICY)
    record = approved(stack, agent)
    key = {"pk": {"S": f"AGENT#{agent.agent_id}"}, "sk": {"S": "ACCOUNT"}}
    expression, names = "REMOVE #window", {"#window": record.windows[0]}
    remove = lambda: stack.dynamodb.update_item(  # noqa: E731
        TableName=stack.environment["CORE_TABLE"],
        Key=key,
        UpdateExpression=expression,
        ExpressionAttributeNames=names,
    )
    plan: Plan = lambda current, _: lifecycle.cancel(current, mover(agent.agent_id), None)  # noqa: E731
    outcome = transitions.apply(overtaken(stack, remove), agent.agent_id, record.id, plan)
    assert isinstance(outcome, Record)
    assert (outcome.status, money(account_of(stack, agent))) == ("cancelled", {})


class Worker:
    """A life of one payment: asked for, then claimed, settled, failed, cancelled or forgotten; after each crash the
    step is taken again, or never."""

    def __init__(self, stack: Deployed, agent: Agent, seed: int, limits: dict[str, int]) -> None:
        self.chance = random.Random(seed)
        self.table = table_of(stack, self.chance)
        self.ledger = ledger_of(stack, self.table)
        self.agent = agent
        self.limits = limits
        self.token = bytes([seed]) * 16

    def run(self) -> None:
        key, asked = unique("tx"), transfer(str(self.chance.randint(1, 6)))
        record = self._take(lambda: self.ledger.submit(principal(self.agent), key, asked))
        if isinstance(record, Record) and record.status == "approved":
            self._go_on(record)
        account = accounts.read(self.table, self.agent.agent_id)
        assert account is not None
        assert all(account.windows.get(name, 0) <= limit for name, limit in self.limits.items())

    def _go_on(self, record: Record) -> None:
        path = self.chance.choice(["cancel", "claim", "claim", "claim", "forget"])
        if path == "cancel":
            self._move(record, lambda current, _: lifecycle.cancel(current, mover(self.agent.agent_id), None))
        if path == "claim" and self._move(record, claiming("executor", self.token)):
            report = self.chance.choice([lifecycle.settle, lifecycle.settle, lifecycle.fail, None])
            if report is not None:
                self._move(record, lambda current, _: report(current, mover("executor"), self.token, "ref"))

    def _move(self, record: Record, plan: Plan) -> bool:
        outcome = self._take(lambda: transitions.apply(self.table, record.agent, record.id, plan))
        return isinstance(outcome, Record)

    def _take(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                return step()
            except (Crash, Unavailable):
                if self.chance.random() < 0.3:
                    return None


def test_64_racing_threads_that_crash_anywhere_overrun_no_window_and_lose_no_reservation(stack: Deployed) -> None:
    limits = {"daily": "80", "monthly": "90", "tokens": {"USDC": "85"}}
    agent = stack.agent({**POLICY, **FAST, "limits": {"per_transaction": "10", **limits}})
    first = approved(stack, agent, "1")
    most = {name: {"d": 80, "m": 90}[name[0]] * 1_000_000 for name in first.windows if "t" not in name}
    most |= {name: 85_000_000 for name in first.windows if "t" in name}
    assert len(most) == 3
    later = NOW + CLAIM_LIFETIME

    def overdue(seed: int) -> None:
        table = table_of(stack, random.Random(seed))
        for _ in range(4):
            try:
                sweep(table, later, lambda: True)
            except Crash:
                continue

    CrashingTable.crashes.clear()
    workers = [Worker(stack, agent, seed, most).run for seed in range(60)]
    race(*workers, *[lambda seed=seed: overdue(seed) for seed in range(60, 64)])
    assert set(CrashingTable.crashes) == {"before", "after"}
    assert sweep(table_of(stack), later, lambda: True).finished
    left = all_records(stack, agent)
    reserved = sum(record.usd or 0 for record in left if record.windows)
    assert money(account_of(stack, agent)) == dict.fromkeys(most, reserved)
    for record in left:
        if record.status == "needs_reconciliation":
            transitions.apply(
                table_of(stack), record.agent, record.id,
                lambda current, _: lifecycle.reconcile(current, mover("operator"), "failed", "not paid"),
            )  # fmt: skip
    done = all_records(stack, agent)
    assert {record.status for record in done} <= {"settled", "failed", "cancelled", "expired", "denied"}
    settled = sum(record.usd or 0 for record in done if record.status == "settled")
    assert money(account_of(stack, agent)) == dict.fromkeys(most, settled)


def test_payments_claims_and_approvals_complete_before_a_containment_or_are_refused(stack: Deployed) -> None:
    agent = stack.agent({**POLICY, **FAST, "limits": {"per_transaction": "500", "daily": "100000"}})
    waiting, held = (
        [approved(stack, agent, "1") for _ in range(6)],
        [approved(stack, agent, "450", "pending_approval") for _ in range(6)],
    )
    contained = threading.Event()

    def approve(current: Record, account: Account) -> lifecycle.Outcome:
        return lifecycle.approve(current, account, mover("human"), BY_HUMAN, current.content_sha256)

    def move(record: Record, plan: Plan) -> tuple[bool, Any]:
        late = contained.is_set()
        return late, transitions.apply(table_of(stack), agent.agent_id, record.id, plan)

    def pay() -> tuple[bool, Any]:
        late = contained.is_set()
        return late, ledger_of(stack, table_of(stack)).submit(principal(agent), unique("tx"), transfer("1"))

    def stop() -> tuple[bool, Any]:
        incident = incidents.contain(table_of(stack), agent.agent_id, TRIGGER)
        contained.set()
        assert incident is not None
        return False, freezing.freeze(table_of(stack), incident, 2 * NOW, lambda: True)

    moves = [(record, claiming("executor")) for record in waiting] + [(record, approve) for record in held]
    runners = [lambda each=each: move(*each) for each in moves] + [pay] * 6
    *raced, (_, frozen) = race(*runners, stop)
    for late, outcome in raced:
        assert isinstance(outcome, Conflict | Rejected) or not late
    found = Counter(record.status for record in all_records(stack, agent))
    assert found.keys() <= {"executing", "frozen", "approved"}
    assert frozen["claimed_count"] == found["executing"]
    for record in all_records(stack, agent):
        assert isinstance(move(record, claiming("another"))[1], Conflict), "what no mark has reached is frozen too"
    assert isinstance(pay()[1], Rejected)
