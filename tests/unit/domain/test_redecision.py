"""What is still missing when an approval is judged anew: more where more is needed, never less."""

import json
from typing import Any

import pytest

from portcullis.domain.account import Account
from portcullis.domain.judgement import Rulebook
from portcullis.domain.lifecycle import Conflict, Moved
from portcullis.domain.policy import Policy, compile_text
from portcullis.domain.policy_document import parse_document
from portcullis.domain.prices import PriceTable
from portcullis.domain.record import Mover, Record
from portcullis.domain.redecision import approve, is_escalated, still_missing
from portcullis.domain.times import HOUR
from portcullis.domain.transaction import parse_transaction

NOW = 1_795_242_660_000_000
AGENT, PAID, RISK = ("ag_" + letter * 22 for letter in "apr")
HUMAN, OTHER = ("ap_" + digit * 22 for digit in "12")
RELEASE = {
    "kind": "escrow_release",
    "amount": "200",
    "token": "USDC",
    "chain": "base",
    "destination": {"agent": PAID},
    "escrow_id": "escrow-1",
}
TRANSACTION = parse_transaction(json.dumps(RELEASE))


def policy(**changes: Any) -> Policy:
    allowlist = {"agents": [PAID], "kinds": ["escrow_release"]}
    limits = {"per_transaction": "1000", "daily": "1000"}
    return compile_text(parse_document({"allowlist": allowlist, "limits": limits, **changes}).text())


def held(**changes: Any) -> Record:
    values: dict[str, Any] = {
        "id": "tx_" + "t" * 22,
        "agent": AGENT,
        "key_id": "pk",
        "source_ip": "203.0.113.7",
        "status": "pending_approval",
        "rev": 1,
        "content": TRANSACTION.content,
        "content_sha256": TRANSACTION.sha256,
        "usd": 200_000_000,
        "epoch": 1,
        "policy_version": 1,
        "policy_sha256": bytes(32),
        "windows": ("d20261121",),
        "approval_by": ("human",),
        "reasons": ("escrow_release", "amount"),
        "expires_at": NOW + HOUR,
        "violations": (),
        "created_at": NOW,
    }
    return Record(**{**values, **changes})


def account(**windows: int) -> Account:
    spent = {"d20261121": 200_000_000, **windows}
    return Account(AGENT, "payer", "active", 1, 2, 1, bytes(32), frozenset(), NOW, windows=spent)


def judged(record: Record, seen: Account, rules: Policy, by: str = "human", actor: str = HUMAN) -> Any:
    prices = PriceTable(1, {"USDC": {"usd": "1", "expires_at": None, "updated_at": NOW}})
    mover = Mover(actor, None, "203.0.113.9", NOW + 1)
    return approve(record, seen, Rulebook(rules, prices), mover, by, TRANSACTION.sha256)


@pytest.mark.parametrize(
    ("before", "given", "wanted", "missing"),
    [
        (("human",), (), (), ("human",)),
        (("human",), (), ("human",), ("human",)),
        (("human",), (), ("risk_agent",), ("risk_agent", "human")),
        (("human",), (), ("human", "human"), ("human", "human")),
        (("human", "human"), (), ("human",), ("human", "human")),
        (("human",), (HUMAN,), ("human", "human"), ("human",)),
        (("risk_agent",), (), ("human",), ("human",)),
        (("risk_agent",), (), ("human", "human"), ("human", "human")),
        (("risk_agent",), (), (), ("risk_agent",)),
        (("risk_agent", "human"), (), ("human",), ("risk_agent", "human")),
        (("human",), (RISK,), ("risk_agent", "human"), ("human",)),
        (("human",), (RISK,), ("human", "human"), ("human", "human")),
        (("parties", "risk_agent"), (), ("parties", "human"), ("parties", "human")),
        (("parties", "human"), (AGENT,), ("parties", "human"), ("parties", "human")),
        (("human",), (AGENT, PAID), ("parties", "human"), ("human",)),
        (("human",), (AGENT, PAID), ("parties", "risk_agent", "human"), ("risk_agent", "human")),
    ],
)
def test_what_is_missing(
    before: tuple[str, ...], given: tuple[str, ...], wanted: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    assert still_missing(held(approval_by=before, approved_by=given), TRANSACTION, wanted) == missing


def test_its_own_reservation_is_not_counted() -> None:
    outcome = judged(held(), account(), policy(limits={"per_transaction": "200", "daily": "200"}))
    assert isinstance(outcome, Moved)
    assert outcome.record.status == "approved"


def test_a_window_that_it_does_not_hold_is_counted_whole() -> None:
    rules = policy(limits={"per_transaction": "200", "daily": "200", "monthly": "399"})
    outcome = judged(held(), account(m202611=200_000_000), rules)
    assert isinstance(outcome, Moved)
    assert [violation.rule for violation in outcome.record.violations] == ["approval_void", "monthly_limit"]
    assert outcome.record.windows == ()


def test_the_hour_it_came_in_counts_it_once() -> None:
    rules = policy(limits={"per_transaction": "200", "daily": "200", "hourly_count": 1})
    outcome = judged(held(), account(h2026112106=1), rules)
    assert isinstance(outcome, Moved)
    assert outcome.record.status == "approved"


def test_the_windows_are_those_it_was_reserved_in() -> None:
    """Approved past midnight, what others spent on the new day is not held against it."""
    late = held(created_at=NOW - HOUR * 12, windows=("d20261120",))
    seen = account(d20261121=1_000_000_000, d20261120=200_000_000)
    assert judged(late, seen, policy()).record.status == "approved"


@pytest.mark.parametrize(
    "change",
    [{"expires_at": NOW}, {"epoch": 2}, {"content_sha256": bytes(32)}, {"status": "approved"}],
    ids=["expired", "frozen", "other content", "approved"],
)
def test_what_is_refused_is_not_voided(change: dict[str, Any]) -> None:
    assert isinstance(judged(held(**change), account(), policy(allowlist={"agents": []})), Conflict)


def test_what_was_approved_twice_by_one_is_refused() -> None:
    outcome = judged(held(approved_by=(HUMAN,)), account(), policy())
    assert isinstance(outcome, Conflict)
    assert isinstance(judged(held(approved_by=(HUMAN,)), account(), policy(), actor=OTHER), Moved)


def test_an_approval_that_is_not_enough_any_more_is_not_counted() -> None:
    record = held(approval_by=("risk_agent",), approved_by=(AGENT, PAID))
    outcome = judged(record, account(), policy(tiers={"risk_from": "1", "human_above": "100"}), "risk_agent", RISK)
    assert isinstance(outcome, Moved)
    mover = outcome.record.moved
    assert mover is not None
    assert (outcome.record.approval_by, outcome.record.status) == (("human",), "pending_approval")
    assert (outcome.record.approved_by, outcome.record.rev) == ((AGENT, PAID), 2)
    assert is_escalated(outcome.record, mover)
