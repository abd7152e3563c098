"""Every move from every status, what repeats come to, and that what was reserved is given back at most once."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from portcullis.domain import lifecycle
from portcullis.domain.account import Account
from portcullis.domain.decisions import BY_HUMAN, BY_PARTIES, BY_RISK_AGENT, Violation
from portcullis.domain.lifecycle import LEASE, Conflict, Moved, Outcome, Unchanged
from portcullis.domain.record import CLAIM_LIFETIME, STATUSES, Mover, Record
from portcullis.domain.times import HOUR
from tests.unit.domain import builders

EXECUTOR, OTHER = "ag_" + "e" * 22, "ag_" + "o" * 22
TOKEN, OTHER_TOKEN = b"t" * 16, b"o" * 16
SHA256 = builders.transaction().sha256
PARTIES = frozenset({builders.AGENT, OTHER})


def mover(actor: str = EXECUTOR, at: int = builders.NOW) -> Mover:
    return Mover(actor, builders.KEY_ID, "203.0.113.9", at)


def claimed(**changes: Any) -> Record:
    """An executing record, claimed by EXECUTOR with TOKEN."""
    values = {"status": "executing", "claimed_by": EXECUTOR, "claim_sha256": TOKEN, "rev": 2}
    return builders.record(**{**values, "expires_at": builders.NOW + LEASE} | changes)


SUSPENDED = replace(builders.account(), state="suspended", epoch=builders.account().epoch + 1)
RECORDS: dict[str, Record] = {
    "approved": builders.record(),
    "pending_approval": builders.held(approval_by=(BY_RISK_AGENT,)),
    "denied": builders.denied(),
    "executing": claimed(),
    "needs_reconciliation": claimed(status="needs_reconciliation", expires_at=None, moved=mover("gateway")),
    "settled": claimed(status="settled", expires_at=None, outcome="ref", moved=mover()),
    "failed": claimed(status="failed", expires_at=None, windows=(), outcome="ref", moved=mover()),
    "cancelled": builders.record(status="cancelled", windows=(), expires_at=None),
    "expired": builders.record(status="expired", windows=(), expires_at=None),
    "frozen": builders.record(status="frozen", windows=(), expires_at=None),
}
MOVES: dict[str, Callable[[Record], Outcome]] = {
    "claim": lambda record: lifecycle.claim(record, builders.account(), mover(), TOKEN),
    "settle": lambda record: lifecycle.settle(record, mover(), TOKEN, "ref"),
    "fail": lambda record: lifecycle.fail(record, mover(), TOKEN, "ref"),
    "reconcile to settled": lambda record: lifecycle.reconcile(record, mover("anna"), "settled", "ref"),
    "reconcile to failed": lambda record: lifecycle.reconcile(record, mover("anna"), "failed", "ref"),
    "cancel": lambda record: lifecycle.cancel(record, mover(), None),
    "approve": lambda record: lifecycle.approve(record, builders.account(), mover(), BY_RISK_AGENT, SHA256),
    "deny": lambda record: lifecycle.deny(record, mover(), BY_RISK_AGENT),
    "freeze": lambda record: lifecycle.freeze(record, SUSPENDED, mover("gateway")),
    "expire": lambda record: lifecycle.expire(record, builders.NOW + 2 * CLAIM_LIFETIME),
}
SAME = "the same"
TABLE: dict[str, dict[str, str]] = {
    "claim": {"approved": "executing", "executing": SAME},
    "settle": {"executing": "settled", "needs_reconciliation": "settled", "settled": SAME},
    "fail": {"executing": "failed", "failed": SAME},
    "reconcile to settled": {"needs_reconciliation": "settled"},
    "reconcile to failed": {"needs_reconciliation": "failed"},
    "cancel": {"approved": "cancelled", "pending_approval": "cancelled", "cancelled": SAME},
    "approve": {"pending_approval": "approved"},
    "deny": {"pending_approval": "denied"},
    "freeze": {**dict.fromkeys(STATUSES, SAME), "approved": "frozen", "pending_approval": "frozen"},
    "expire": {
        **dict.fromkeys(STATUSES, SAME),
        "approved": "expired",
        "pending_approval": "expired",
        "executing": "needs_reconciliation",
    },
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("move", MOVES)
def test_each_move_from_each_status(move: str, status: str) -> None:
    before = RECORDS[status]
    outcome = MOVES[move](before)
    match outcome:
        case Moved(after, _):
            assert TABLE[move].get(status) == after.status
            assert after.rev == before.rev + 1
            assert after.moved is not None
        case Unchanged(after):
            assert TABLE[move].get(status) == SAME
            assert after is before
        case Conflict(detail, code):
            assert status not in TABLE[move]
            assert code == "state_conflict"
            assert status in detail or "Another claim" in detail or "lease" in detail


@pytest.mark.parametrize("move", MOVES)
def test_a_move_keeps_the_reservation_or_gives_all_of_it_back(move: str) -> None:
    for record in RECORDS.values():
        outcome = MOVES[move](record)
        if isinstance(outcome, Moved):
            over = outcome.record.status in ("denied", "failed", "cancelled", "expired", "frozen")
            assert outcome.record.windows == (() if over else record.windows)


def test_what_was_decided_under_the_present_epoch_is_not_frozen() -> None:
    for record in RECORDS.values():
        assert lifecycle.freeze(record, builders.account(), mover("gateway")) == Unchanged(record)


def detail(outcome: Outcome) -> str:
    assert isinstance(outcome, Conflict)
    return outcome.detail


@pytest.mark.parametrize("move", ["settle", "fail"])
@pytest.mark.parametrize("status", ["executing", "needs_reconciliation"])
@pytest.mark.parametrize(("actor", "token"), [(EXECUTOR, OTHER_TOKEN), (OTHER, TOKEN)])
def test_only_the_claimer_with_its_token_reports(move: str, status: str, actor: str, token: bytes) -> None:
    report = getattr(lifecycle, move)
    assert detail(report(RECORDS[status], mover(actor), token, "ref")) == lifecycle.OTHER_CLAIM


@pytest.mark.parametrize("move", ["settle", "fail"])
def test_an_outcome_is_not_said_differently(move: str) -> None:
    report = getattr(lifecycle, move)
    done = report(claimed(), mover(), TOKEN, "ref").record
    assert "another reference" in detail(report(done, mover(), TOKEN, "other"))


def test_a_claim_is_repeated_by_its_token_alone() -> None:
    account = builders.account()
    assert lifecycle.claim(claimed(), account, mover(), TOKEN) == Unchanged(claimed())
    for actor, token in ((EXECUTOR, OTHER_TOKEN), (OTHER, TOKEN)):
        assert "executing" in detail(lifecycle.claim(claimed(), account, mover(actor), token))


@pytest.mark.parametrize("record", [builders.record(), claimed()])
@pytest.mark.parametrize("account", [builders.account(state="suspended"), builders.account(epoch=2)])
def test_what_is_frozen_is_not_claimed_and_no_claim_repeated(record: Record, account: Account) -> None:
    assert "frozen" in detail(lifecycle.claim(record, account, mover(), TOKEN))


@pytest.mark.parametrize("account", [builders.account(state="suspended"), builders.account(epoch=2)])
def test_what_is_frozen_is_not_approved(account: Account) -> None:
    held = RECORDS["pending_approval"]
    assert "frozen" in detail(lifecycle.approve(held, account, mover(), BY_RISK_AGENT, SHA256))
    escrow = replace(held, approval_by=(BY_PARTIES,))
    assert "frozen" in detail(lifecycle.confirm(escrow, account, mover(OTHER), SHA256, PARTIES))


def test_a_guarded_move_names_the_account_it_was_judged_by() -> None:
    account = builders.account(policy_version=7)
    outcome = lifecycle.claim(builders.record(), account, mover(), TOKEN)
    assert isinstance(outcome, Moved)
    assert outcome.guarded is account


@pytest.mark.parametrize("late", [0, 1])
def test_time_decides_although_nobody_has_written_it_down(late: int) -> None:
    held = RECORDS["pending_approval"]
    after = mover(at=builders.NOW + HOUR + late)
    assert "expired" in detail(lifecycle.approve(held, builders.account(), after, BY_RISK_AGENT, SHA256))
    assert "expired" in detail(lifecycle.deny(held, after, BY_RISK_AGENT))
    assert "expired" in detail(lifecycle.cancel(held, after, None))
    unclaimed = mover(at=builders.NOW + CLAIM_LIFETIME + late)
    assert "expired" in detail(lifecycle.claim(builders.record(), builders.account(), unclaimed, TOKEN))
    lapsed = mover(at=builders.NOW + LEASE + late)
    assert "needs_reconciliation" in detail(lifecycle.claim(claimed(), builders.account(), lapsed, TOKEN))
    assert "lease" in detail(lifecycle.fail(claimed(), lapsed, TOKEN, "ref"))
    assert isinstance(lifecycle.settle(claimed(), lapsed, TOKEN, "ref"), Moved)


def test_a_moment_before_its_end_nothing_has_ended() -> None:
    assert isinstance(lifecycle.expire(claimed(), builders.NOW + LEASE - 1), Unchanged)
    assert isinstance(lifecycle.fail(claimed(), mover(at=builders.NOW + LEASE - 1), TOKEN, "ref"), Moved)


def test_approvals_come_in_order_by_different_people_for_the_content_shown() -> None:
    held, account = builders.held(approval_by=(BY_HUMAN, BY_HUMAN)), builders.account()
    assert "a human first" in detail(lifecycle.approve(held, account, mover(), BY_RISK_AGENT, SHA256))
    assert "not the one that was shown" in detail(lifecycle.approve(held, account, mover("anna"), BY_HUMAN, bytes(32)))
    first = lifecycle.approve(held, account, mover("anna"), BY_HUMAN, SHA256)
    assert isinstance(first, Moved)
    assert (first.record.status, first.record.approval_by) == ("pending_approval", (BY_HUMAN,))
    assert "another one" in detail(lifecycle.approve(first.record, account, mover("anna"), BY_HUMAN, SHA256))
    second = lifecycle.approve(first.record, account, mover("bert"), BY_HUMAN, SHA256)
    assert isinstance(second, Moved)
    assert (second.record.status, second.record.approved_by) == ("approved", ("anna", "bert"))
    assert second.record.expires_at == builders.NOW + CLAIM_LIFETIME


def test_a_risk_agent_may_repeat_its_approval() -> None:
    held, account = builders.held(approval_by=(BY_RISK_AGENT,)), builders.account()
    first = lifecycle.approve(held, account, mover(), BY_RISK_AGENT, SHA256)
    assert isinstance(first, Moved)
    assert lifecycle.approve(first.record, account, mover(), BY_RISK_AGENT, SHA256) == Unchanged(first.record)
    assert isinstance(lifecycle.approve(first.record, account, mover(OTHER), BY_RISK_AGENT, SHA256), Conflict)


def test_an_escrow_needs_both_parties_and_nobody_else() -> None:
    held, account = builders.held(approval_by=(BY_PARTIES, BY_HUMAN)), builders.account()
    assert "Only the parties" in detail(lifecycle.confirm(held, account, mover(), SHA256, PARTIES))
    first = lifecycle.confirm(held, account, mover(OTHER), SHA256, PARTIES)
    assert isinstance(first, Moved)
    assert first.record.approval_by == (BY_PARTIES, BY_HUMAN)
    assert lifecycle.confirm(first.record, account, mover(OTHER), SHA256, PARTIES) == Unchanged(first.record)
    both = lifecycle.confirm(first.record, account, mover(builders.AGENT), SHA256, PARTIES)
    assert isinstance(both, Moved)
    assert (both.record.status, both.record.approval_by) == ("pending_approval", (BY_HUMAN,))


def test_a_refusal_by_the_approver_is_a_violation() -> None:
    outcome = lifecycle.deny(RECORDS["pending_approval"], mover(), BY_RISK_AGENT)
    assert isinstance(outcome, Moved)
    assert outcome.record.violations == (Violation("approval_refused", 4),)


def test_a_reconciliation_is_repeated_by_the_same_operator() -> None:
    first = lifecycle.reconcile(RECORDS["needs_reconciliation"], mover("anna"), "failed", "bank letter")
    assert isinstance(first, Moved)
    again = lifecycle.reconcile(first.record, mover("anna"), "failed", "bank letter")
    assert again == Unchanged(first.record)
    assert isinstance(lifecycle.reconcile(first.record, mover("bert"), "failed", "bank letter"), Conflict)
    assert isinstance(lifecycle.reconcile(first.record, mover("anna"), "settled", "bank letter"), Conflict)


ACTIONS = st.sampled_from(["claim", "settle", "fail", "reconcile", "cancel", "approve", "deny", "expire"])


class Budgets(RuleBasedStateMachine):
    """Any moves, in any order, at any time, by right and wrong callers: what the windows hold is exactly what the
    records that still hold windows have reserved."""

    def __init__(self) -> None:
        super().__init__()
        self.now = builders.NOW
        self.records: list[Record] = []
        self.windows: Counter[str] = Counter()
        self.account = builders.account()

    @initialize()
    def begin(self) -> None:
        self.decide("approved", 1)

    @rule(status=st.sampled_from(["approved", "pending_approval"]), usd=st.integers(1, 10**9))
    def decide(self, status: str, usd: int) -> None:
        held = {"approval_by": (BY_RISK_AGENT,)} if status == "pending_approval" else {}
        record = builders.record(
            status=status, usd=usd, windows=("d20261121", "m202611"), expires_at=self.now + HOUR, **held
        )
        self.records.append(record)
        self.windows.update(dict.fromkeys(record.windows, usd))

    @rule(seconds=st.integers(1, 3600))
    def wait(self, seconds: int) -> None:
        self.now += seconds * 1_000_000

    @precondition(lambda self: self.account.state == "active")
    @rule()
    def suspend(self) -> None:
        self.account = replace(self.account, state="suspended", epoch=self.account.epoch + 1)

    @rule(number=st.integers(0, 50), action=ACTIONS, actor=st.sampled_from([EXECUTOR, OTHER]), token=st.booleans())
    def move(self, number: int, action: str, actor: str, token: bool) -> None:
        number %= len(self.records)
        before = self.records[number]
        outcome = self._outcome(before, action, mover(actor, self.now), TOKEN if token else OTHER_TOKEN)
        if isinstance(outcome, Moved):
            given_back = set(before.windows) - set(outcome.record.windows)
            self.windows.subtract(dict.fromkeys(given_back, before.usd))
            self.records[number] = outcome.record

    def _outcome(self, record: Record, action: str, who: Mover, token: bytes) -> Outcome:
        match action:
            case "claim":
                return lifecycle.claim(record, self.account, who, token)
            case "settle" | "fail":
                report: Callable[..., Outcome] = getattr(lifecycle, action)
                return report(record, who, token, "ref")
            case "reconcile":
                return lifecycle.reconcile(record, who, "failed", "ref")
            case "cancel":
                return lifecycle.cancel(record, who, None)
            case "approve":
                return lifecycle.approve(record, self.account, who, BY_RISK_AGENT, SHA256)
            case "deny":
                return lifecycle.deny(record, who, BY_RISK_AGENT)
        return lifecycle.expire(record, self.now)

    @invariant()
    def windows_hold_what_records_reserve(self) -> None:
        reserved: Counter[str] = Counter()
        for record in self.records:
            reserved.update(dict.fromkeys(record.windows, record.usd))
        assert +self.windows == +reserved
        assert all(amount >= 0 for amount in self.windows.values())

    @invariant()
    def only_live_or_paid_records_reserve(self) -> None:
        for record in self.records:
            holds = record.status in ("approved", "pending_approval", "executing", "needs_reconciliation", "settled")
            assert bool(record.windows) == holds


Budgets.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBudgets = Budgets.TestCase
