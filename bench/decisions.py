"""Time of a decision and of loading a policy, by its size; and what a warm transaction costs in DynamoDB."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from portcullis.aws import accounts, prices
from portcullis.aws.dynamo import Table, to_attributes
from portcullis.aws.ledger import Ledger
from portcullis.aws.nonces import Nonces
from portcullis.aws.policies import Policies
from portcullis.domain.account import Account
from portcullis.domain.key_uses import Use
from portcullis.domain.policy import compile_text, text_sha256
from portcullis.domain.policy_document import parse_document
from portcullis.domain.record import Principal
from portcullis.domain.rules import Case, decide
from portcullis.domain.times import SECOND
from portcullis.domain.transaction import Transaction, parse_transaction
from tests.unit.aws.item_size import item_size

SIZES = (10, 1_000, 10_000)
DECISIONS, LOADS = 20_000, 30
WRITE_UNIT = 1024
AGENT, KEY = "ag_" + "a" * 22, "0" * 22 + "#1"
NOW = 1_795_242_660 * SECOND


@dataclass(frozen=True, slots=True)
class Decided:
    """Microseconds of a decision, milliseconds of loading, for a policy of ``entries`` wallets."""

    entries: int
    p50_us: float
    p99_us: float
    load_ms: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What one transaction asks of DynamoDB, counted from its calls."""

    round_trips: int
    write_units: int


def measure() -> list[Decided]:
    """Each size of policy."""
    return [_measure(entries) for entries in SIZES]


def warm_cost() -> Cost:
    """A payment without contention: its nonce and its commit, caches warm."""
    text = policy_text(10)
    core = Recorder(_stored(text), text)
    ledger = Ledger(Table("core", core), Policies(core, "policies"), micros=lambda: NOW)  # type: ignore[arg-type]
    principal = Principal(AGENT, "pk", KEY, frozenset({"transactions:create"}), "", "203.0.113.7")
    ledger.submit(principal, "payment-00000001", payment())
    core.calls.clear()
    nonces = Nonces(Table("nonces", core))  # type: ignore[arg-type]
    nonces.claim("pk_test_" + "0" * 28, "n" * 16, NOW // SECOND, "t" * 22, Use(NOW, "203.0.113.7"))
    ledger.submit(principal, "payment-00000002", payment())
    return Cost(len(core.calls), sum(_write_units(*call, core.account) for call in core.calls))


def policy_text(entries: int) -> str:
    """A policy that lists as many wallets, the paid one last, and has every limit."""
    wallets = [f"base:0x{number:040x}" for number in range(entries)]
    limits = {"per_transaction": "500", "daily": "1000", "weekly": "2000", "monthly": "3000", "hourly_count": 100}
    return parse_document({"allowlist": {"wallets": wallets}, "limits": limits}).text()


def payment() -> Transaction:
    """12.50 to the wallet that every size of policy lists."""
    body = {"kind": "transfer", "amount": "12.5", "token": "USDC", "chain": "base"}
    return parse_transaction(json.dumps({**body, "destination": {"wallet": f"0x{9:040x}"}}))


@dataclass
class Recorder:
    """Answers as AWS does where everything is as it should be, and keeps the calls."""

    items: dict[str, dict[str, Any]]
    policy: str
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def account(self) -> dict[str, Any]:
        """The account's item, in DynamoDB's JSON."""
        return self.items["ACCOUNT"]

    def json_call(self, target: str, _version: str, payload: dict[str, Any]) -> dict[str, Any]:
        """One operation."""
        operation = target.rpartition(".")[2]
        self.calls.append((operation, payload))
        item = self.items.get(payload["Key"]["sk"]["S"]) if operation == "GetItem" else None
        return {"Item": item} if item else {}

    def request(self, method: str, _path: str, _headers: dict[str, str], _body: bytes = b"") -> bytes:
        """The policy's body."""
        self.calls.append((method, {}))
        return self.policy.encode()


def _stored(text: str) -> dict[str, dict[str, Any]]:
    account = Account(AGENT, "payer", "active", 1, 1, 1, text_sha256(text), frozenset({KEY}), NOW)
    used = {"live_keys": account.live_keys, "tat": NOW, "d20261121": 12_500_000, "w202647": 12_500_000}
    priced = {"rev": 1, "prices": {"USDC": {"usd": "1", "expires_at": None, "updated_at": NOW}}}
    return {
        "ACCOUNT": to_attributes(accounts.to_item(account) | used),
        "PRICES": to_attributes(prices.PRIMARY_KEY | priced),
    }


def _write_units(operation: str, payload: dict[str, Any], account: dict[str, Any]) -> int:
    """A unit for each begun kilobyte of an item; twice that in a transaction."""
    if operation == "TransactWriteItems":
        puts = [action["Put"]["Item"] if "Put" in action else account for action in payload["TransactItems"]]
        return sum(2 * _units(item) for item in puts)
    return _units(payload["Item"]) if operation == "PutItem" else 0


def _units(item: dict[str, Any]) -> int:
    return -(-item_size(item) // WRITE_UNIT)


def _measure(entries: int) -> Decided:
    text = policy_text(entries)
    policy, case = compile_text(text), Case(payment(), 12_500_000, NOW)
    times = _times(lambda: decide(policy, case), DECISIONS)
    loads = _times(lambda: compile_text(text), LOADS)
    return Decided(
        entries, 1e6 * times[len(times) // 2], 1e6 * times[len(times) * 99 // 100], 1e3 * loads[len(loads) // 2]
    )


def _times(work: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each run, sorted."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return sorted(times)
