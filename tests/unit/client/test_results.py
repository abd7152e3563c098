"""Decisions are frozen values; what is no answer of this API is said to be none."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from portcullis.client import (
    Approved,
    Decision,
    Denied,
    InvalidRequestError,
    PendingApproval,
    UnexpectedAnswerError,
    Violation,
)
from tests.unit.client.world import FIELDS, IDENTITY, RECORD, TXID, WALLET, World, body_of, problem

VIOLATION = {"rule": "limits.daily", "detail": "1200 of 1000 USD", "severity": 4}


def created(status: int, body: Any) -> Decision:
    return World([httpx.Response(status, json=body)]).gateway().create_transaction(**FIELDS)


def test_approved() -> None:
    decision = created(201, RECORD)
    assert isinstance(decision, Approved)
    transaction = decision.transaction
    assert (decision.transaction_id, transaction.amount, transaction.usd) == (TXID, Decimal("12.5"), Decimal("12.5"))
    assert transaction.destination == {"wallet": WALLET}
    assert transaction.created_at == datetime(2026, 11, 21, 6, 31, tzinfo=UTC)
    assert transaction.created_at.utcoffset() == timedelta(0)
    assert (transaction.policy_version, transaction.memo) == (3, None)


def test_results_are_frozen() -> None:
    decision = created(201, RECORD)
    assert isinstance(decision, Approved)
    with pytest.raises(FrozenInstanceError):
        decision.transaction_id = "tx_other"  # type: ignore[misc]
    with pytest.raises(TypeError, match="item assignment"):
        decision.transaction.destination["wallet"] = "0x0"  # type: ignore[index]


def test_pending_approval() -> None:
    approval = {"by": "human", "expires_at": "2026-11-21T07:31:00.000Z"}
    decision = created(202, {**RECORD, "status": "pending_approval", "approval": approval})
    assert isinstance(decision, PendingApproval)
    assert (decision.approved_by, decision.expires_at) == ("human", datetime(2026, 11, 21, 7, 31, tzinfo=UTC))


def test_denied_is_a_value() -> None:
    answer = problem("policy_denied", transaction_id=TXID, violations=[VIOLATION])
    decision = World([answer]).gateway().create_transaction(**FIELDS)
    assert decision == Denied(TXID, (Violation("limits.daily", "1200 of 1000 USD", 4),))


def test_a_recorded_denial_has_its_transaction() -> None:
    record = {**RECORD, "status": "denied", "usd": None, "violations": [VIOLATION]}
    decision = World([httpx.Response(200, json=record)]).gateway().get_transaction(TXID)
    assert isinstance(decision, Denied)
    assert decision.transaction is not None
    assert (decision.transaction.usd, decision.violations[0].severity) == (None, 4)


def test_fields_of_a_kind_are_sent_and_read() -> None:
    call = {"selector": "0xa9059cbb", "data_sha256": "cd" * 32}
    world = World([httpx.Response(201, json={**RECORD, "kind": "contract_call", "call": call, "memo": "m"})])
    fields = {**FIELDS, "kind": "contract_call", "call": call, "memo": "caf\u00e9", "amount": Decimal("1E+2")}
    decision = world.gateway().create_transaction(**fields)
    assert isinstance(decision, Approved)
    assert (decision.transaction.details, decision.transaction.memo) == ({"call": call}, "m")
    assert body_of(world.sent[0]) == {**fields, "amount": "100"}
    assert world.header("Content-Type") == ["application/json"]


def test_what_is_none_is_not_sent() -> None:
    world = World([httpx.Response(201, json=RECORD)])
    world.gateway().create_transaction(**FIELDS, memo=None, escrow_id=None)
    assert body_of(world.sent[0]) == FIELDS


def test_whoami() -> None:
    world = World([httpx.Response(200, json=IDENTITY)])
    assert world.gateway().whoami().scopes == ("transactions:create",)
    assert str(world.sent[0].url) == "https://gateway.example.com/local/v1/whoami"


@pytest.mark.parametrize("missing", sorted(set(RECORD) - {"memo"}))
def test_an_answer_that_lacks_a_field_is_unexpected(missing: str) -> None:
    body = {name: value for name, value in RECORD.items() if name != missing}
    with pytest.raises(UnexpectedAnswerError, match="upgrade the SDK"):
        created(201, body)


@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        {**RECORD, "status": "teleported"},
        {**RECORD, "amount": "many"},
        {**RECORD, "created_at": "2026-11-21T06:31:00"},
        {**RECORD, "destination": 5},
    ],
)
def test_an_answer_in_another_form_is_unexpected(body: Any) -> None:
    with pytest.raises(UnexpectedAnswerError, match="not in the form"):
        created(201, body)


@pytest.mark.parametrize("text", ["<html>", "", "[" * 10**5, "\x00"])
@pytest.mark.parametrize("status", [200, 302, 418, 500])
def test_an_answer_of_another_service_is_unexpected(status: int, text: str) -> None:
    with pytest.raises(UnexpectedAnswerError) as caught:
        World([httpx.Response(status, text=text)]).gateway().whoami()
    assert caught.value.status == status


@pytest.mark.parametrize("amount", [12.5, 12, True, None, b"1"])
def test_amounts_are_never_floats(amount: Any) -> None:
    with pytest.raises(InvalidRequestError, match="amount: expected a Decimal or a string"):
        World([]).gateway().create_transaction(**{**FIELDS, "amount": amount})


@pytest.mark.parametrize(
    "amount",
    [
        *("", "0", "0.00", "-1", "1e3", " 1", "1.", "01", "NaN", "\u0661", "1\n", "1" * 31, "0." + "1" * 19),
        *map(Decimal, ("NaN", "-1", "0", "1E+40", "1E-40", "Infinity")),
    ],
)
def test_amounts_are_plain_and_above_zero(amount: Any) -> None:
    with pytest.raises(InvalidRequestError, match="amount: expected an amount above zero"):
        World([]).gateway().create_transaction(**{**FIELDS, "amount": amount})


def test_wrong_arguments_are_refused_before_anything_is_sent() -> None:
    gateway = World([]).gateway()
    with pytest.raises(InvalidRequestError, match="idempotency_key: expected 16 to 128"):
        gateway.create_transaction(idempotency_key="short", **FIELDS)
    with pytest.raises(InvalidRequestError, match="transaction_id: expected"):
        gateway.get_transaction("../whoami")
    with pytest.raises(InvalidRequestError, match="unknown ammount, missing amount"):
        gateway.create_transaction(**{**{name: FIELDS[name] for name in FIELDS if name != "amount"}, "ammount": "1"})
    with pytest.raises(InvalidRequestError, match="not JSON"):
        gateway.create_transaction(**{**FIELDS, "destination": {"wallet": {1, 2}}})
