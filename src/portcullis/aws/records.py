"""Transactions as stored: ``AGENT#<agent> / TX#<id>``. As committed, the item stays under 1,024 bytes, one write unit.

Absent values are left out. Rules, reasons and approvals are stored by short codes, never to be given to another.
"""

from dataclasses import fields
from typing import Any

from portcullis.aws import accounts
from portcullis.aws.dynamo import Item, Table
from portcullis.domain.decisions import BY_HUMAN, BY_PARTIES, BY_RISK_AGENT, Violation
from portcullis.domain.record import Mover, Past, Record

RULE_CODES = {
    "kind_not_allowed": "k",
    "destination_not_allowlisted": "d",
    "selector_not_allowlisted": "s",
    "token_not_allowlisted": "t",
    "instruction_not_allowlisted": "i",
    "category_not_allowlisted": "c",
    "category_mismatch": "m",
    "category_blocked": "b",
    "token_unpriced": "u",
    "price_stale": "p",
    "per_transaction_limit": "lt",
    "hourly_count_limit": "lh",
    "daily_limit": "ld",
    "weekly_limit": "lw",
    "monthly_limit": "lm",
    "token_limit": "lk",
    "merchant_limit": "lr",
    "category_limit": "lc",
    "possible_duplicate": "r",
    "approval_refused": "ar",
    "approval_void": "av",
}
APPROVAL_CODES = {BY_PARTIES: "p", BY_RISK_AGENT: "r", BY_HUMAN: "h"}
REASON_CODES = {"escrow_release": "e", "amount": "a", "possible_duplicate": "d"}
STATUS_CODES = {
    "approved": "a",
    "pending_approval": "p",
    "denied": "d",
    "executing": "e",
    "settled": "s",
    "failed": "f",
    "cancelled": "c",
    "expired": "x",
    "needs_reconciliation": "n",
    "frozen": "z",
}

_CODED = ("windows", "approval_by", "reasons", "violations", "approved_by", "moved", "past")
_IN_KEYS = ("id", "agent")
_PLAIN = tuple(field.name for field in fields(Record) if field.name not in (*_CODED, *_IN_KEYS))
_RULES = {code: rule for rule, code in RULE_CODES.items()}
_APPROVALS = {code: by for by, code in APPROVAL_CODES.items()}
_STATUSES = {code: status for status, code in STATUS_CODES.items()}
_REASONS = {code: reason for reason, code in REASON_CODES.items()}


def primary_key(agent: str, txid: str) -> Item:
    """Where a transaction's item stands."""
    return {"pk": accounts.partition(agent), "sk": f"TX#{txid}"}


def listing_key(agent: str, status: str) -> str:
    """The index partition in which an agent's transactions of one status are listed."""
    return f"{agent}#{status}"


def read(table: Table, agent: str, txid: str) -> Record | None:
    """The record as it is now, or None."""
    item = table.get(primary_key(agent, txid))
    return from_item(item) if item else None


def to_item(record: Record) -> Item:
    """The stored form."""
    item: Item = {
        **primary_key(record.agent, record.id),
        "type": record.type,
        "status_key": listing_key(record.agent, record.status),
    }
    attributes = {name: getattr(record, name) for name in _PLAIN} | _coded(record)
    return item | {name: value for name, value in attributes.items() if value not in (None, "")}


def from_item(item: Item) -> Record:
    """The inverse of to_item."""
    plain: dict[str, Any] = {name: item.get(name) for name in _PLAIN}
    return Record(
        id=item["sk"].removeprefix("TX#"),
        agent=item["pk"].removeprefix("AGENT#"),
        windows=tuple(item.get("windows", "").split()),
        approval_by=tuple(_APPROVALS[code] for code in item.get("approval_by", "")),
        reasons=tuple(_REASONS[code] for code in item.get("reasons", "")),
        violations=tuple(_violation(text) for text in item.get("violations", "").split()),
        approved_by=tuple(item.get("approved_by", "").split()),
        moved=_mover(item),
        past=tuple(Past(_STATUSES[text[0]], int(text[1:])) for text in item.get("past", "").split()),
        **plain,
    )


def _coded(record: Record) -> Item:
    moved = record.moved
    return {
        "windows": " ".join(record.windows),
        "approval_by": "".join(APPROVAL_CODES[by] for by in record.approval_by),
        "reasons": "".join(REASON_CODES[reason] for reason in record.reasons),
        "violations": " ".join(f"{RULE_CODES[v.rule]}{v.severity}" for v in record.violations),
        "approved_by": " ".join(record.approved_by),
        "moved_by": moved.actor if moved else None,
        "moved_key": moved.key_id if moved else None,
        "moved_ip": moved.source_ip if moved else None,
        "moved_at": moved.at if moved else None,
        "past": " ".join(f"{STATUS_CODES[past.status]}{past.at}" for past in record.past),
    }


def _violation(text: str) -> Violation:
    code = text.rstrip("0123456789")
    return Violation(_RULES[code], int(text.removeprefix(code)))


def _mover(item: Item) -> Mover | None:
    if "moved_at" not in item:
        return None
    return Mover(item["moved_by"], item.get("moved_key"), item.get("moved_ip", ""), item["moved_at"])
