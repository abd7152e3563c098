"""From a successful answer to a value of results.py; what does not fit is an UnexpectedAnswerError."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, TypeVar

from portcullis.client.errors import UnexpectedAnswerError
from portcullis.client.exchange import Answer
from portcullis.client.problems import error_of, problem_of
from portcullis.client.results import (
    AgentKey,
    Approved,
    Cancelled,
    Decision,
    Denied,
    Executing,
    Expired,
    Failed,
    Frozen,
    Identity,
    Later,
    NeedsReconciliation,
    Page,
    PendingApproval,
    RotatedKey,
    Settled,
    Transaction,
    Violation,
)
from portcullis.client.signer import Secret

_DETAILS = ("instructed_by", "call", "token_out", "min_out", "escrow_id")
_CONTENT = ("kind", "amount", "token", "chain", "destination", "memo", *_DETAILS)
_ENDS: dict[str, type[Later]] = {
    "cancelled": Cancelled,
    "expired": Expired,
    "frozen": Frozen,
    "needs_reconciliation": NeedsReconciliation,
}
Parsed = TypeVar("Parsed")


def identity(answer: Answer) -> Identity:
    """``GET /v1/whoami``."""
    return _parsed(answer, (200,), _identity)


def created(answer: Answer) -> Decision:
    """``POST /v1/transactions``: a denial is a decision, not a fault."""
    problem = problem_of(answer)
    if answer.status == 403 and problem.get("code") == "policy_denied":
        return _guarded(answer, lambda: Denied(problem["transaction_id"], _violations(problem["violations"])))
    return _parsed(answer, (200, 201, 202), _decision)


def recorded(answer: Answer) -> Decision:
    """``GET /v1/transactions/{id}``, and every step that follows."""
    return _parsed(answer, (200,), _decision)


def page(answer: Answer) -> Page:
    """``GET /v1/transactions``."""
    return _parsed(answer, (200,), lambda body: Page(tuple(map(_decision, body["transactions"])), body["cursor"]))


def agent_keys(answer: Answer) -> tuple[AgentKey, ...]:
    """``GET /v1/keys``."""
    return _parsed(answer, (200,), lambda body: tuple(map(_agent_key, body["keys"])))


def rotated(answer: Answer) -> RotatedKey:
    """``POST /v1/keys/rotate``."""
    return _parsed(answer, (201,), _rotated)


def _parsed(answer: Answer, statuses: tuple[int, ...], read: Callable[[dict[str, Any]], Parsed]) -> Parsed:
    if answer.status not in statuses:
        raise error_of(answer)
    return _guarded(answer, lambda: read(json.loads(answer.body)))


def _guarded(answer: Answer, read: Callable[[], Parsed]) -> Parsed:
    try:
        return read()
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation, RecursionError):
        pass
    raise UnexpectedAnswerError(
        "The answer is not in the form that this version of the SDK knows. Check the URL; upgrade the SDK.",
        status=answer.status,
        request_id=answer.request_id,
    )


def _identity(body: dict[str, Any]) -> Identity:
    return Identity(
        body["agent_id"],
        body["name"],
        body["state"],
        body["key_id"],
        tuple(body["scopes"]),
        int(body["policy_version"]),
    )


def _agent_key(body: dict[str, Any]) -> AgentKey:
    return AgentKey(
        body["key_id"],
        body["state"],
        body["key_class"],
        _instant(body["created_at"]),
        None if body["expires_at"] is None else _instant(body["expires_at"]),
        _instant(body["rotate_by"]),
        body["self_rotation"],
        body["parent"],
        body["calling"],
    )


def _rotated(body: dict[str, Any]) -> RotatedKey:
    return RotatedKey(_agent_key(body), Secret(body["secret"]) if "secret" in body else None)


def _decision(body: dict[str, Any]) -> Decision:
    transaction = _transaction(body)
    match transaction.status:
        case "approved":
            return Approved(transaction.id, transaction)
        case "pending_approval":
            approval = body["approval"]
            return PendingApproval(transaction.id, transaction, approval["by"], _instant(approval["expires_at"]))
        case "denied":
            return Denied(transaction.id, _violations(body["violations"]), transaction)
    return _later(transaction, body)


def _later(transaction: Transaction, body: dict[str, Any]) -> Later:
    match transaction.status:
        case "executing":
            return Executing(transaction.id, transaction, body["claimed_by"], _instant(body["expires_at"]))
        case "settled":
            return Settled(transaction.id, transaction, body["outcome"])
        case "failed":
            return Failed(transaction.id, transaction, body["outcome"])
    return _ENDS[transaction.status](transaction.id, transaction)


def _transaction(body: dict[str, Any]) -> Transaction:
    return Transaction(
        id=body["id"],
        status=body["status"],
        agent_id=body["agent_id"],
        key_id=body["key_id"],
        kind=body["kind"],
        amount=Decimal(body["amount"]),
        token=body["token"],
        chain=body["chain"],
        destination=MappingProxyType(dict(body["destination"])),
        memo=body.get("memo"),
        details=MappingProxyType({name: body[name] for name in _DETAILS if name in body}),
        usd=None if body["usd"] is None else Decimal(body["usd"]),
        policy_version=int(body["policy"]["version"]),
        policy_sha256=body["policy"]["sha256"],
        created_at=_instant(body["created_at"]),
        expires_at=_instant(body["expires_at"]) if "expires_at" in body else None,
        content=_canonical({name: body[name] for name in _CONTENT if name in body}),
        content_sha256=body.get("content_sha256", ""),
    )


def _canonical(content: dict[str, Any]) -> str:
    """The text that the gateway hashes: names sorted, no spaces, UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _violations(found: list[dict[str, Any]]) -> tuple[Violation, ...]:
    return tuple(Violation(one["rule"], one["detail"], int(one["severity"])) for one in found)


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return moment
