"""Transactions as stored: ``AGENT#<agent> / TX#<id>``. The item stays under 1,024 bytes, one write unit."""

import json
from dataclasses import fields
from typing import Any

from portcullis.aws import accounts
from portcullis.aws.dynamo import Item, Table
from portcullis.domain.decisions import Violation
from portcullis.domain.record import Record

_IN_KEYS = frozenset({"id", "agent", "violations"})
_PLAIN = tuple(field.name for field in fields(Record) if field.name not in _IN_KEYS)


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
    """The stored form: absent values are left out, violations are ``[[rule, severity], …]``."""
    item: Item = {
        **primary_key(record.agent, record.id),
        "type": record.type,
        "status_key": listing_key(record.agent, record.status),
    }
    item |= {name: value for name in _PLAIN if (value := getattr(record, name)) is not None}
    if record.violations:
        pairs = [[violation.rule, violation.severity] for violation in record.violations]
        item["violations"] = json.dumps(pairs, separators=(",", ":"))
    return item


def from_item(item: Item) -> Record:
    """The inverse of to_item."""
    plain: dict[str, Any] = {name: item.get(name) for name in _PLAIN}
    pairs = json.loads(item.get("violations", "[]"))
    return Record(
        id=item["sk"].removeprefix("TX#"),
        agent=item["pk"].removeprefix("AGENT#"),
        violations=tuple(Violation(rule, severity) for rule, severity in pairs),
        **plain,
    )
