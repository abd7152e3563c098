"""The commit (DESIGN 2.3): one transaction of two items decides, reserves and records everything, or nothing.

    Put     the transaction, on condition that it does not exist
    Update  the account, on condition that it is active, the key is live, policy and epoch are those decided under,
            the rate admits it and every spend window has room

What is cached here only makes the first attempt likely to succeed. The conditions decide.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from portcullis.aws import commit, records
from portcullis.aws.accounts import Accounts
from portcullis.aws.calls import Admission, Calls
from portcullis.aws.dynamo import Cancelled, Table
from portcullis.aws.fleet import Gate
from portcullis.aws.policies import Policies
from portcullis.aws.prices import Prices
from portcullis.aws.wire import Unavailable
from portcullis.domain import identifiers
from portcullis.domain.account import LOCKED_TEXT, Account, Refusal, Reservation, after, refusal
from portcullis.domain.judgement import Asked, Rulebook, judge, wanted
from portcullis.domain.rate import claims, wait
from portcullis.domain.rate_fields import rate_fields
from portcullis.domain.record import Principal, Record
from portcullis.domain.transaction import Transaction

ATTEMPTS = 12
BACKOFF_SECONDS = 0.02
MAX_BACKOFF_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Rejected:
    """Nothing was recorded. ``code`` is that of DESIGN 4, ``detail`` what is known beyond it; ``retry_after`` (seconds)
    belongs to ``rate_limited``."""

    code: str
    retry_after: int | None = None
    detail: str | None = None


LOCKED_DOWN = Rejected("agent_suspended", detail=LOCKED_TEXT)


class Ledger:
    """Commits transactions, and reads them back."""

    def __init__(
        self,
        table: Table,
        policies: Policies,
        *,
        micros: Callable[[], int],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.gate = Gate(table)
        self._table = table
        self._policies = policies
        self._accounts = Accounts(table)
        self._calls = Calls(table)
        self._prices = Prices(table)
        self._micros = micros
        self._sleep = sleep

    def account(self, agent: str) -> Account | None:
        """The agent's account, at most 15 s old."""
        return self._accounts.find(agent)

    def admit(self, principal: Principal) -> Admission | Rejected:
        """Count a call that is not a submission, which has rates of its own."""
        account = self._accounts.find(principal.agent)
        if account is None:
            return Rejected("invalid_credentials")
        rate, now = self._policies.get(account.policy_sha256).call_rate, self._micros()
        asked = claims(rate, principal.key_rate, principal.key_version, now, now)
        return self._calls.admit(principal.agent, asked)

    def rate_fields(self, principal: Principal) -> dict[str, str]:
        """The rate fields of an answer to a submission, from the account as last seen. Reads nothing; maybe none."""
        account = self._accounts.seen(principal.agent)
        if account is None:
            return {}
        rate, now = self._policies.get(account.policy_sha256).rate, self._micros()
        return rate_fields(claims(rate, principal.key_rate, principal.key_version, now, now), account.tats)

    def read(self, agent: str, txid: str) -> Record | None:
        """One of the agent's transactions as it is now."""
        return records.read(self._table, agent, txid)

    def submit(self, principal: Principal, idempotency_key: str, transaction: Transaction) -> Record | Rejected:
        """Decide and record, once for each idempotency key. Raises Unavailable when that could not be done."""
        arrived = self._micros()
        txid = identifiers.transaction_id(principal.agent, idempotency_key)
        known = self._known(principal, txid, transaction, arrived)
        if not isinstance(known, Account):
            return known
        account, asked, exact = known, Asked(principal, txid, transaction, arrived), False
        for attempt in range(ATTEMPTS):
            record, reserved = judge(self._rulebook(account), asked, account, self._micros(), exact=exact)
            try:
                commit.write(self._table, record, reserved, account)
            except Cancelled as cancelled:
                if not commit.condition_failed(cancelled):
                    self._back_off(attempt)
                    continue
                seen = self._explain(cancelled, transaction, reserved)
                if not isinstance(seen, Account):
                    return seen
                account, exact = seen, True
            else:
                self._accounts.amend(after(account, reserved))
                return record
        raise Unavailable(f"the account was contended in {ATTEMPTS} attempts")

    def _known(
        self, principal: Principal, txid: str, transaction: Transaction, arrived: int
    ) -> Account | Record | Rejected:
        """The account to decide on. What it refuses already is answered from reads: as a transaction it could only be
        cancelled, and until then it would meet the agent's payments, and the operator who stops it, on this item."""
        barred = LOCKED_DOWN if self.gate.is_closed() else None
        account = self._accounts.find(principal.agent)
        if account is not None and not (barred or _rejection(account, self._wanted(principal, account, arrived))):
            return account
        account = self._accounts.refresh(principal.agent)
        if account is None:
            return Rejected("invalid_credentials")
        rejected = _rejection(account, self._wanted(principal, account, arrived)) or barred
        if rejected is None:
            return account
        earlier = self.read(principal.agent, txid)
        return _repeated(earlier, transaction) if earlier else rejected

    def _wanted(self, principal: Principal, account: Account, arrived: int) -> Reservation:
        return wanted(principal, account, self._policies.get(account.policy_sha256), arrived, self._micros())

    def _rulebook(self, account: Account) -> Rulebook:
        shadow = account.shadow_sha256
        return Rulebook(
            self._policies.get(account.policy_sha256),
            self._prices.table(),
            self._policies.get(shadow) if shadow else None,
        )

    def _explain(
        self, cancelled: Cancelled, transaction: Transaction, wanted: Reservation
    ) -> Account | Record | Rejected:
        """Why the commit did not hold: the transaction first, then the account. An Account: decide again."""
        if (earlier := commit.existing(cancelled)) is not None:
            return _repeated(earlier, transaction)
        account = commit.account_as_it_was(cancelled)
        if account is None:
            return Rejected("invalid_credentials")
        self._accounts.keep(account)
        return _rejection(account, wanted) or account

    def _back_off(self, attempt: int) -> None:
        ceiling = min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2**attempt)
        self._sleep(random.uniform(0, ceiling))  # noqa: S311 jitter, not a secret


def _repeated(earlier: Record, transaction: Transaction) -> Record | Rejected:
    """The answer to an Idempotency-Key that was used before."""
    return earlier if earlier.content_sha256 == transaction.sha256 else Rejected("idempotency_conflict")


def _rejection(account: Account, wanted: Reservation) -> Rejected | None:
    """The refusal that no new decision can change."""
    match refusal(account, wanted):
        case Refusal.SUSPENDED:
            return Rejected("agent_suspended", detail=account.stopped)
        case Refusal.KEY:
            return Rejected("invalid_credentials")
        case Refusal.RATE:
            return Rejected("rate_limited", wait(wanted.claims, account.tats))
    return None
