"""A reference executor: pays what the gateway approved, each transaction once, and reports what came of it.

    PORTCULLIS_URL, a key with transactions:read and transactions:claim (docs/sdk.md, docs/settlement.md)
    EXECUTOR_AGENTS (agent ids, comma between), EXECUTOR_JOURNAL (a file that outlives this process, for it alone)
    EXECUTOR_INTERVAL_SECONDS, EXECUTOR_KEY_TTL_SECONDS

Replace ``pay``, which moves nothing as it stands; copy agent.py along with it. The rest stays: what is paid is what was
approved, by its hash; the journal holds each step before it is taken, so that a restart takes it again under the same
claim token and the same idempotency key; without a lease that is long enough nothing is paid; what nobody can know is
left to an operator, never reported as failed. SIGTERM lets the payment in flight finish and starts no other. Exit
codes: 0 stopped, 1 not permitted to go on, 2 misconfigured.
"""

import fcntl
import json
import logging
import os
import re
import secrets
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from agent import LATER, MISCONFIGURED, NOT_PERMITTED, STOPPED, JsonLines

from portcullis.client import (
    Approved,
    ConfigurationError,
    ConflictError,
    Executing,
    Gateway,
    NotFoundError,
    PermissionDeniedError,
    PortcullisError,
    SecretUnavailableError,
    Transaction,
    provider_from_env,
)

LEASE_MARGIN = timedelta(minutes=2)
"""No payment starts with less of its lease left: whoever finds it lapsed could take it for unpaid."""
_AGENT = re.compile(r"ag_[0-9A-Za-z]{22}", re.ASCII)
log = logging.getLogger("executor")


class NotPaid(Exception):
    """The payment was refused for good, and no money moved. Raise it only when that is certain."""


def pay(transaction: Transaction, idempotency_key: str) -> str:
    """Yours: move the money and return what names the payment, such as a transaction hash.

    Hand ``idempotency_key`` to whoever pays: after a crash the same payment comes again under the same key, and must
    not be made twice. Raise NotPaid when it is certain that nothing moved; any other exception leaves it open.
    """
    log.info("dry_run", extra={"fields": {"amount": transaction.amount, "destination": dict(transaction.destination)}})
    return f"dry-run-{idempotency_key}"


@dataclass(frozen=True)
class Entry:
    """One transaction in the journal: the last step that was begun, and what is known of it.

    ``claim``, then ``pay``, then ``settle`` or ``fail`` (``outcome`` is the reference or the reason), then ``done``.
    """

    id: str
    agent: str
    token: str
    step: str
    outcome: str = ""


class Journal:
    """Steps as JSON lines, each on disk before it is taken; locked, so that no second process shares it."""

    def __init__(self, path: Path) -> None:
        self.open: dict[str, Entry] = {}
        self.done: set[str] = set()
        self._lock: IO[str] = Path(f"{path}.lock").open("w")  # noqa: SIM115 held until the process ends
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for line in path.read_text().splitlines() if path.exists() else ():
            try:
                self._keep(Entry(**json.loads(line)))
            except ValueError:
                break  # torn by a crash while it was written, so the step in it was never taken
        self._compact(path)
        self._file = path.open("a")

    def write(self, entry: Entry) -> Entry:
        """Keep ``entry`` for good, then go on."""
        self._append(self._file, entry)
        self._keep(entry)
        return entry

    def _keep(self, entry: Entry) -> None:
        if entry.step == "done":
            self.open.pop(entry.id, None)
            self.done.add(entry.id)
        else:
            self.open[entry.id] = entry

    def _compact(self, path: Path) -> None:
        new = path.with_name(f"{path.name}.new")
        with new.open("w") as file:
            new.chmod(0o600)
            for entry in self.open.values():
                self._append(file, entry)
        new.replace(path)
        folder = os.open(path.resolve().parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _append(self, file: IO[str], entry: Entry) -> None:
        file.write(json.dumps(entry.__dict__) + "\n")
        file.flush()
        os.fsync(file.fileno())


class Executor:
    """Works until ``stop`` is set: first what a crash left behind, then what is approved."""

    def __init__(
        self, agents: list[str], interval: float, gateway: Gateway, journal: Journal, stop: threading.Event
    ) -> None:
        self._agents = agents
        self._interval = interval
        self._gateway = gateway
        self._journal = journal
        self._stop = stop
        self._refused: set[str] = set()

    def run(self) -> int:
        """The exit code."""
        while not self._stop.is_set():
            try:
                for entry in list(self._journal.open.values()):
                    self._go_on(entry)
                for agent in self._agents:
                    self._look_after(agent)
            except LATER as fault:
                _tell(logging.WARNING, "will_try_again", code=fault.code, detail=fault.detail)
            except PermissionDeniedError as fault:
                _tell(logging.ERROR, "not_permitted", code=fault.code, detail=fault.detail, request=fault.request_id)
                return NOT_PERMITTED
            except PortcullisError as fault:
                _tell(logging.ERROR, "refused", code=fault.code, detail=fault.detail, request=fault.request_id)
            self._stop.wait(self._interval)
        return STOPPED

    def _look_after(self, agent: str) -> None:
        try:
            self._pay_approved(agent)
        except NotFoundError as fault:
            _tell(logging.ERROR, "not_named_as_executor", agent=agent, detail=fault.detail)

    def _pay_approved(self, agent: str) -> None:
        cursor: str | None = None
        while not self._stop.is_set():
            page = self._gateway.list_transactions(agent=agent, status="approved", cursor=cursor)
            for decision in page.transactions:
                if isinstance(decision, Approved) and self._is_new(decision.transaction) and not self._stop.is_set():
                    token = secrets.token_urlsafe(24)
                    self._go_on(self._journal.write(Entry(decision.transaction_id, agent, token, "claim")))
            cursor = page.cursor
            if cursor is None:
                return

    def _is_new(self, transaction: Transaction) -> bool:
        if transaction.id in self._journal.done | self._refused | self._journal.open.keys():
            return False
        if not transaction.is_intact:
            self._refused.add(transaction.id)
            _tell(logging.ERROR, "altered", id=transaction.id)
        return transaction.is_intact

    def _go_on(self, entry: Entry) -> None:
        """Take the step that the journal names, and those that follow."""
        try:
            if entry.step in ("claim", "pay"):
                entry = self._claim_and_pay(entry)
            if entry.step in ("settle", "fail"):
                self._report(entry)
        except (ConflictError, NotFoundError) as fault:
            # Before the first payment nothing is open. After it, an operator has to look.
            event, level = ("not_ours", logging.INFO) if entry.step == "claim" else ("needs_operator", logging.ERROR)
            _tell(level, event, id=entry.id, step=entry.step, outcome=entry.outcome, detail=fault.detail)
            self._journal.write(Entry(entry.id, entry.agent, entry.token, "done"))

    def _claim_and_pay(self, entry: Entry) -> Entry:
        """The claim is repeated before each attempt at a payment: it is refused once the lease is over, or when the
        agent was suspended meanwhile."""
        claimed = self._gateway.claim(entry.id, agent=entry.agent, claim_token=entry.token)
        if not isinstance(claimed, Executing) or not claimed.transaction.is_intact:
            _tell(logging.ERROR, "altered", id=entry.id)
            return self._next(entry, "fail", "altered") if entry.step == "claim" else entry
        if claimed.lease_until - datetime.now(UTC) < LEASE_MARGIN:
            _tell(logging.WARNING, "lease_too_short", id=entry.id)
            return self._next(entry, "fail", "the lease was too short") if entry.step == "claim" else entry
        entry = self._next(entry, "pay")
        try:
            reference = pay(claimed.transaction, idempotency_key=entry.id)
        except NotPaid as refusal:
            return self._next(entry, "fail", str(refusal)[:128] or "not paid")
        except Exception as fault:  # noqa: BLE001 whatever it was, nobody knows whether money moved: ask again by the same key
            _tell(logging.ERROR, "payment_open", id=entry.id, fault=type(fault).__name__)
            return entry
        return self._next(entry, "settle", reference)

    def _report(self, entry: Entry) -> None:
        if entry.step == "settle":
            self._gateway.settle(entry.id, agent=entry.agent, claim_token=entry.token, reference=entry.outcome)
        else:
            self._gateway.fail(entry.id, agent=entry.agent, claim_token=entry.token, reason=entry.outcome)
        _tell(logging.INFO, "settled" if entry.step == "settle" else "failed", id=entry.id, outcome=entry.outcome)
        self._next(entry, "done")

    def _next(self, entry: Entry, step: str, outcome: str = "") -> Entry:
        return self._journal.write(Entry(entry.id, entry.agent, entry.token, step, outcome))


def _tell(level: int, event: str, **fields: object) -> None:
    log.log(level, event, extra={"fields": fields})


def agents_from(environ: Mapping[str, str]) -> list[str]:
    """The agents; ValueError when there is none, or one is no id."""
    agents = [name.strip() for name in (environ.get("EXECUTOR_AGENTS") or "").split(",") if name.strip()]
    if not agents or not all(_AGENT.fullmatch(name) for name in agents):
        raise ValueError("EXECUTOR_AGENTS must name agents by their ids, with commas between")
    return agents


def seconds_from(environ: Mapping[str, str], name: str, default: str) -> float:
    """A number of seconds above zero, or ValueError."""
    seconds = float(environ.get(name) or default)
    if not 0 < seconds < float("inf"):
        raise ValueError(f"{name} must be a number above 0")
    return seconds


def main(environ: Mapping[str, str]) -> int:
    """Check, start, work, stop."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        agents, interval = agents_from(environ), seconds_from(environ, "EXECUTOR_INTERVAL_SECONDS", "5")
        provider = provider_from_env(environ, ttl=seconds_from(environ, "EXECUTOR_KEY_TTL_SECONDS", "300"))
        gateway = Gateway(environ.get("PORTCULLIS_URL") or "", provider=provider)
        journal = Journal(Path(environ.get("EXECUTOR_JOURNAL") or ""))
    except (ConfigurationError, SecretUnavailableError, ValueError, OSError) as fault:
        _tell(logging.ERROR, "misconfigured", detail=fault)
        return MISCONFIGURED
    _tell(logging.INFO, "started", agents=",".join(agents), unfinished=len(journal.open))
    with gateway:
        code = Executor(agents, interval, gateway, journal, stop).run()
    _tell(logging.INFO, "stopped", code=code)
    return code


if __name__ == "__main__":
    sys.exit(main(os.environ))
