"""The record's public form: the request's own fields, and what was decided on them."""

import json

import pytest

from portcullis.domain.decisions import Approved, Decision, Denied, NeedsApproval, Violation
from portcullis.domain.record import STATUSES, Mover, Record, describe, status_of, violations_of
from tests.unit.domain import builders

VIOLATION = Violation("daily_limit", 3)
APPROVED = {
    **builders.body(),
    "id": builders.TXID,
    "status": "approved",
    "agent_id": builders.AGENT,
    "key_id": builders.KEY_ID,
    "usd": "12.50",
    "policy": {"version": 1, "sha256": bytes(range(32)).hex()},
    "content_sha256": builders.transaction().sha256.hex(),
    "created_at": "2026-11-21T06:31:00.000Z",
    "expires_at": "2026-11-22T06:31:00.000Z",
}


@pytest.mark.parametrize(
    ("decision", "status", "violations"),
    [
        (Approved(), "approved", ()),
        (NeedsApproval(("human",), ("amount",)), "pending_approval", ()),
        (Denied((VIOLATION,)), "denied", (VIOLATION,)),
    ],
)
def test_a_decision_gives_a_status(decision: Decision, status: str, violations: tuple[Violation, ...]) -> None:
    assert status_of(decision) == status
    assert status in STATUSES
    assert violations_of(decision) == violations


def test_an_approved_transaction() -> None:
    assert describe(builders.record()) == APPROVED


def test_a_held_transaction_says_who_must_approve_until_when() -> None:
    held = builders.held(approval_by=("parties", "human", "human"), reasons=("escrow_release", "amount"))
    assert describe(held) == {
        **{name: value for name, value in APPROVED.items() if name != "expires_at"},
        "status": "pending_approval",
        "approval": {
            "by": "parties",
            "missing": ["parties", "human", "human"],
            "reasons": ["escrow_release", "amount"],
            "expires_at": "2026-11-21T07:31:00.000Z",
        },
    }


def test_what_came_after_the_decision_is_told_and_no_secret_of_it() -> None:
    moved = Mover("ag_" + "e" * 22, builders.KEY_ID, "203.0.113.9", builders.NOW + 1_000_000)
    executing = builders.record(
        status="settled", approved_by=("alice",), claimed_by=moved.actor, claim_sha256=b"c" * 32, outcome="0xfeed",
        moved=moved, expires_at=None,
    )  # fmt: skip
    assert describe(executing) == {
        **{name: value for name, value in APPROVED.items() if name != "expires_at"},
        "status": "settled",
        "approved_by": ["alice"],
        "claimed_by": moved.actor,
        "outcome": "0xfeed",
        "updated_at": "2026-11-21T06:31:01.000Z",
        "updated_by": moved.actor,
    }


def test_a_denied_transaction_says_why() -> None:
    described = describe(builders.denied())

    assert described["status"] == "denied"
    assert [(v["rule"], v["severity"]) for v in described["violations"]] == [
        ("destination_not_allowlisted", 5),
        ("per_transaction_limit", 7),
    ]
    assert all(set(v) == {"rule", "detail", "severity"} for v in described["violations"])


def test_an_unpriced_transaction_has_no_value() -> None:
    assert describe(builders.denied(usd=None))["usd"] is None


@pytest.mark.parametrize("kind", builders.KINDS)
def test_the_requests_fields_stand_as_they_were_hashed(kind: str) -> None:
    parsed = builders.transaction(kind, memo="m", instructed_by=builders.AGENT)
    described = describe(builders.record(content=parsed.content))
    assert described.items() >= json.loads(parsed.content).items()


@pytest.mark.parametrize("kind", builders.KINDS)
def test_no_field_of_a_request_hides_a_decided_one(kind: str) -> None:
    decided = set(describe(builders.held())) | set(describe(builders.denied()))
    own = set(builders.body()) | {"memo", "instructed_by"}
    assert not set(json.loads(builders.transaction(kind).content)) & (decided - own)


@pytest.mark.parametrize(
    "made", [builders.record(), builders.held(), builders.denied()], ids=["approved", "held", "denied"]
)
def test_the_event_type_follows_the_status(made: Record) -> None:
    assert made.type == f"transaction.{made.status}"
