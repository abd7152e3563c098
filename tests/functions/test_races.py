"""What happens between two reads, two writes, two callers: injected at the client."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from portcullis.aws import changes, settings
from portcullis.aws import ledger as ledger_module
from portcullis.aws.dynamo import Table
from portcullis.aws.ledger import Ledger, Rejected
from portcullis.aws.nonces import Nonces
from portcullis.aws.policies import Policies
from portcullis.aws.wire import Answer, AwsError, Service, Unavailable
from portcullis.domain.key_uses import Use
from portcullis.domain.record import Principal, Record
from portcullis.domain.transaction import parse_transaction
from portcullis.protocol import keys
from tests.functions.deployed import POLICY, WALLET, Agent, Deployed, unique

Call = Callable[[str, str, dict[str, Any]], dict[str, Any]]
CONFLICT = {"CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}]}


class SerialService(Service):
    """DynamoDB's calls are serializable; moto's are not, when threads make them, so here they take turns."""

    turn = threading.Lock()

    def json_call(self, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
        with self.turn:
            return super().json_call(target, version, payload)


class FaultyService(Service):
    """DynamoDB as it is, but for what ``faults`` raise before a call or do after it."""

    before: list[Exception]
    after: list[Exception]
    operations: list[str]

    def json_call(self, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
        operation = target.split(".")[1]
        self.operations.append(operation)
        writes = operation in ("TransactWriteItems", "PutItem")
        if writes and self.before:
            raise self.before.pop(0)
        answer = super().json_call(target, version, payload)
        if writes and self.after:
            raise self.after.pop(0)
        return answer


def faulty(before: list[Exception] | None = None, after: list[Exception] | None = None) -> FaultyService:
    service = FaultyService("dynamodb", settings.aws())
    service.before, service.after, service.operations = before or [], after or [], []
    return service


def conflict() -> AwsError:
    return AwsError("TransactionCanceledException", 400, CONFLICT)


class Clock:
    """Microseconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000_000

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def make_ledger(stack: Deployed, naps: list[float]) -> Callable[..., Ledger]:
    clock = Clock()

    def make(service: Service | None = None) -> Ledger:
        environment = settings.aws()
        table = Table(stack.environment["CORE_TABLE"], service or SerialService("dynamodb", environment))
        policies = Policies(Service("s3", environment), stack.environment["POLICY_BUCKET"])
        return Ledger(table, policies, micros=clock, sleep=naps.append)

    return make


def principal(agent: Agent) -> Principal:
    live = f"{keys.parse_key_id(agent.key_id).body}#1"
    return Principal(agent.agent_id, agent.key_id, live, frozenset(), "0" * 64, "203.0.113.7")


def transfer(amount: str = "10") -> Any:
    fields = {"kind": "transfer", "amount": amount, "token": "USDC", "chain": "base"}
    return parse_transaction(json.dumps({**fields, "destination": {"wallet": WALLET}}))


def spent(ledger: Ledger, agent: Agent) -> int:
    account = ledger.account(agent.agent_id)
    assert account is not None
    return sum(amount for name, amount in account.windows.items() if name.startswith("d"))


def test_a_transaction_conflict_is_retried_with_jitter_and_spends_once(
    stack: Deployed, make_ledger: Callable[..., Ledger], naps: list[float]
) -> None:
    agent = stack.agent()
    ledger = make_ledger(faulty(before=[conflict(), conflict(), conflict()]))
    outcome = ledger.submit(principal(agent), unique("tx"), transfer())
    assert isinstance(outcome, Record)
    assert len(naps) == 3
    assert len(set(naps)) == 3
    assert spent(make_ledger(), agent) == 10_000_000


def test_exhausted_retries_are_an_outage_never_a_rate_limit_and_spend_nothing(
    stack: Deployed, make_ledger: Callable[..., Ledger], naps: list[float]
) -> None:
    agent = stack.agent()
    ledger = make_ledger(faulty(before=[conflict() for _ in range(ledger_module.ATTEMPTS)]))
    with pytest.raises(Unavailable, match="contended"):
        ledger.submit(principal(agent), unique("tx"), transfer())
    assert max(naps) <= ledger_module.MAX_BACKOFF_SECONDS
    assert spent(make_ledger(), agent) == 0


def test_a_commit_whose_answer_was_lost_is_found_by_the_next_try(
    stack: Deployed, make_ledger: Callable[..., Ledger]
) -> None:
    agent, key = stack.agent(), unique("tx")
    ledger = make_ledger(faulty(after=[Unavailable("answer lost")]))
    with pytest.raises(Unavailable, match="answer lost"):
        ledger.submit(principal(agent), key, transfer())
    outcome = ledger.submit(principal(agent), key, transfer())
    assert isinstance(outcome, Record)
    assert spent(make_ledger(), agent) == 10_000_000


def test_thirty_two_threads_cannot_overrun_a_budget_of_ten(stack: Deployed, make_ledger: Callable[..., Ledger]) -> None:
    agent = stack.agent({**POLICY, "limits": {"per_transaction": "10", "daily": "100"}})

    def pay(_: int) -> str:
        outcome = make_ledger().submit(principal(agent), unique("race"), transfer("10"))
        assert isinstance(outcome, Record), outcome
        return outcome.status

    with ThreadPoolExecutor(32) as threads:
        statuses = list(threads.map(pay, range(32)))
    assert (statuses.count("approved"), statuses.count("denied")) == (10, 22)
    assert spent(make_ledger(), agent) == 100_000_000


def test_the_same_key_in_parallel_is_one_transaction(stack: Deployed, make_ledger: Callable[..., Ledger]) -> None:
    agent, key = stack.agent(), unique("tx")

    def pay(_: int) -> Record | Rejected:
        return make_ledger().submit(principal(agent), key, transfer())

    with ThreadPoolExecutor(32) as threads:
        outcomes = set(threads.map(pay, range(32)))
    assert len(outcomes) == 1
    assert spent(make_ledger(), agent) == 10_000_000


def test_a_cached_account_cannot_commit_under_an_old_policy(
    stack: Deployed, make_ledger: Callable[..., Ledger]
) -> None:
    agent, ledger = stack.agent(), make_ledger()
    assert isinstance(ledger.submit(principal(agent), unique("tx"), transfer()), Record)
    stricter = {**POLICY, "allowlist": {"wallets": []}}
    changed = stack.operator(
        "PUT", "/v1/agents/{agent}/policy", stricter, headers={"If-Match": '"1"'}, agent=agent.agent_id
    )
    assert changed.status == 200
    outcome = ledger.submit(principal(agent), unique("tx"), transfer())
    assert isinstance(outcome, Record)
    assert (outcome.status, outcome.policy_version) == ("denied", 2)


def test_a_cached_account_cannot_commit_for_a_suspended_agent(
    stack: Deployed, make_ledger: Callable[..., Ledger]
) -> None:
    agent, ledger = stack.agent(), make_ledger()
    assert isinstance(ledger.submit(principal(agent), unique("tx"), transfer()), Record)
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "drill"}, agent=agent.agent_id)
    assert ledger.submit(principal(agent), unique("tx"), transfer()) == Rejected("agent_suspended")


def test_a_cached_key_cannot_commit_after_its_revocation(stack: Deployed) -> None:
    agent = stack.agent()
    assert stack.pay(agent).status == 201
    stack.operator("POST", "/v1/agents/{agent}/keys/{key}/revoke", agent=agent.agent_id, key=agent.key_id)
    refused = stack.pay(agent)
    assert (refused.status, refused.code) == (401, "invalid_credentials")


def test_an_unreachable_store_is_503_and_never_an_approval(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = stack.agent()
    assert stack.pay(agent).status == 201

    def down(*_: Any) -> dict[str, Any]:
        raise Unavailable("dynamodb: connection refused")

    def send(self: Service, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
        return down() if "TransactWriteItems" in target else original(self, target, version, payload)

    original = Service.json_call
    monkeypatch.setattr(Service, "json_call", send)
    answer = stack.pay(agent)
    assert (answer.status, answer.code) == (503, "dependency_unavailable")
    assert answer.headers["Retry-After"] == "1"
    monkeypatch.setattr(Service, "json_call", down)
    with pytest.raises(Unavailable):
        stack.call(agent, "GET", "/v1/whoami")


def test_a_nonce_write_whose_answer_was_lost_is_no_replay(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = stack.agent()
    assert stack.call(agent, "GET", "/v1/whoami").status == 200
    original = Service._send
    lost: list[str] = []

    def send(self: Service, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Answer]:
        answer = original(self, method, path, headers, body)
        if headers.get("x-amz-target", "").endswith("PutItem") and not lost:
            lost.append("answer")
            raise ConnectionResetError("the answer was lost after the write")
        return answer

    monkeypatch.setattr(Service, "_send", send)
    nonce = unique()
    assert stack.call(agent, "GET", "/v1/whoami", nonce=nonce).status == 200
    assert lost == ["answer"]
    assert stack.call(agent, "GET", "/v1/whoami", nonce=nonce).code == "nonce_replayed"


def test_of_one_request_claimed_by_32_processes_only_the_first_is_a_use(stack: Deployed) -> None:
    name, token = stack.environment["NONCES_TABLE"], unique("token")
    uses = [Use(1_800_000_000_000_000 + number, f"192.0.2.{number}") for number in range(32)]

    def claim(use: Use) -> bool:
        nonces = Nonces(Table(name, SerialService("dynamodb", settings.aws())))
        return nonces.claim("key", "nonce", 1_800_000_000, f"{token}{use.ip}", use)

    with ThreadPoolExecutor(32) as threads:
        first = [use for use, passed in zip(uses, threads.map(claim, uses), strict=True) if passed]
    indexed = stack.dynamodb.scan(TableName=name, IndexName="by_key")["Items"]
    assert len(first) == 1
    assert [(item["used_at"]["N"], item["ip"]["S"]) for item in indexed] == [(str(first[0].at), first[0].ip)]


def test_a_warm_transaction_costs_two_round_trips(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = stack.agent()
    assert stack.pay(agent).status == 201
    targets: list[str] = []
    original = Service.request

    def request(self: Service, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
        targets.append(headers.get("x-amz-target", path))
        return original(self, method, path, headers, body)

    monkeypatch.setattr(Service, "request", request)
    assert stack.pay(agent).status == 201
    assert targets == ["DynamoDB_20120810.PutItem", "DynamoDB_20120810.TransactWriteItems"]


def test_losing_the_idle_rate_to_others_costs_one_more_try_and_no_more(
    stack: Deployed,
) -> None:
    agent = stack.agent({**POLICY, "rate": {"per_minute": 60_000, "burst": 100}})
    clock = Clock()
    policies = Policies(Service("s3", settings.aws()), stack.environment["POLICY_BUCKET"])

    def on(service: Service) -> Ledger:
        return Ledger(Table(stack.environment["CORE_TABLE"], service), policies, micros=clock)

    rival = on(Service("dynamodb", settings.aws()))

    class Overtaken(FaultyService):
        """Just before each commit another one is made, and then time passes: the account is idle again."""

        def json_call(self, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
            if target.endswith("TransactWriteItems"):
                assert isinstance(rival.submit(principal(agent), unique("tx"), transfer("1")), Record)
                clock.now += 1_000_000
            return super().json_call(target, version, payload)

    service = Overtaken("dynamodb", settings.aws())
    service.before, service.after, service.operations = [], [], []
    assert isinstance(on(service).submit(principal(agent), unique("tx"), transfer("1")), Record)
    assert service.operations.count("TransactWriteItems") == 2


def test_an_unheard_of_value_is_denied_and_stored(stack: Deployed) -> None:
    stack.price("WEI", "999999999999.999999")
    answer = stack.pay(stack.agent(), "9" * 30 + "." + "9" * 18, fields={"token": "WEI"})
    assert (answer.status, answer.code) == (403, "policy_denied")


def test_a_request_decided_before_midnight_spends_its_own_day(
    stack: Deployed, make_ledger: Callable[..., Ledger]
) -> None:
    agent = stack.agent({**POLICY, "limits": {"per_transaction": "90", "daily": "100"}})
    midnight = 1_800_057_600_000_000
    policies = Policies(Service("s3", settings.aws()), stack.environment["POLICY_BUCKET"])

    def pay(now: int) -> str:
        table = Table(stack.environment["CORE_TABLE"], Service("dynamodb", settings.aws()))
        outcome = Ledger(table, policies, micros=lambda: now).submit(principal(agent), unique("tx"), transfer("90"))
        assert isinstance(outcome, Record)
        return outcome.status

    assert midnight % 86_400_000_000 == 0
    assert [pay(midnight - 2), pay(midnight), pay(midnight - 1)] == ["approved", "approved", "denied"]


def test_a_suspension_outlasts_contention(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, conflicts = stack.agent(), [conflict() for _ in range(60)]
    original = Service.json_call

    def json_call(self: Service, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
        if target.endswith("TransactWriteItems") and conflicts:
            raise conflicts.pop()
        return original(self, target, version, payload)

    monkeypatch.setattr(Service, "json_call", json_call)
    monkeypatch.setattr(changes, "BACKOFF_SECONDS", 0)
    answer = stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "drill"}, agent=agent.agent_id)
    assert (answer.status, answer.body["state"]) == (200, "suspended")


@pytest.mark.parametrize("stopped", ["suspended", "revoked", "over its rate"])
def test_what_is_refused_already_costs_no_transaction(
    stack: Deployed, make_ledger: Callable[..., Ledger], stopped: str
) -> None:
    agent, key = stack.agent({**POLICY, "rate": {"per_minute": 1, "burst": 1}}), unique("tx")
    service = faulty()
    ledger = make_ledger(service)
    first = ledger.submit(principal(agent), key, transfer())
    assert isinstance(first, Record)
    if stopped == "suspended":
        stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "drill"}, agent=agent.agent_id)
    if stopped == "revoked":
        stack.operator("POST", "/v1/agents/{agent}/keys/{key}/revoke", agent=agent.agent_id, key=agent.key_id)
    ledger.submit(principal(agent), unique("tx"), transfer())
    service.operations.clear()
    assert isinstance(ledger.submit(principal(agent), unique("tx"), transfer()), Rejected)
    assert ledger.submit(principal(agent), key, transfer()) == first, "a repeat is no new request"
    assert ledger.submit(principal(agent), key, transfer("11")) == Rejected("idempotency_conflict")
    assert "TransactWriteItems" not in service.operations
