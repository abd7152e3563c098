"""The event envelope (DESIGN 2.4), built here and nowhere else.

``{v, id, type, agent, key, ip, at, txid, rev, verified, data}`` with ``id`` = subject ``#`` rev. The subject is the
transaction, or else the agent, the price table or the approvers that were changed. Consumers order by ``rev``.
"""

from typing import Any

from portcullis.domain import times
from portcullis.domain.record import Mover, Record, describe_to_operator

VERSION = 1


def of_record(record: Record) -> dict[str, Any]:
    """The event of a transaction's latest state: of its decision, or of who moved it since."""
    moved = record.moved or Mover(record.agent, record.key_id, record.source_ip, record.created_at)
    return _envelope(
        subject=record.id,
        rev=record.rev,
        type_=record.type,
        agent=record.agent,
        key=moved.key_id,
        source_ip=moved.source_ip,
        at=moved.at,
        txid=record.id,
        verified=moved.key_id is not None,
        data=describe_to_operator(record),
    )


def of_past(record: Record, index: int) -> dict[str, Any]:
    """What is still known of an earlier state, the one at ``index`` of its past: which it was and since when. Who
    moved it there is known of its first state only, and the rest of its content of none."""
    past, rev = record.past[index], record.rev - len(record.past) + index
    asked = rev == 1
    return _envelope(
        subject=record.id,
        rev=rev,
        type_="transaction.unrecorded",
        agent=record.agent,
        key=record.key_id if asked else None,
        source_ip=record.source_ip if asked else "",
        at=past.at,
        txid=record.id,
        verified=asked,
        data={
            "id": record.id,
            "agent_id": record.agent,
            "status": past.status,
            "content_sha256": record.content_sha256.hex(),
            "rebuilt": True,
        },
    )


def of_change(item: dict[str, Any]) -> dict[str, Any]:
    """The event of a change by an operator or a function, from the stored ``EVENT#`` item."""
    return _envelope(
        subject=item["subject"],
        rev=item["rev"],
        type_=item["type"],
        agent=item["agent"],
        key=item["key"],
        source_ip=item["ip"],
        at=item["at"],
        txid=None,
        verified=False,
        data=item["data"],
    )


def of_malformed(partition: str, sort_key: str, at: int, error: str) -> dict[str, Any]:
    """The event of a stored item that could not be read, so that it is missed by nobody."""
    return _envelope(
        subject=f"{partition}/{sort_key}",
        rev=0,
        type_="outbox.malformed",
        agent=None,
        key=None,
        source_ip="",
        at=at,
        txid=None,
        verified=False,
        data={"pk": partition, "sk": sort_key, "error": error},
    )


def _envelope(
    *,
    subject: str,
    rev: int,
    type_: str,
    agent: str | None,
    key: str | None,
    source_ip: str,
    at: int,
    txid: str | None,
    verified: bool,
    data: dict[str, Any],
) -> dict[str, Any]:
    return {
        "v": VERSION,
        "id": f"{subject}#{rev}",
        "type": type_,
        "agent": agent,
        "key": key,
        "ip": source_ip,
        "at": times.rfc3339(at),
        "txid": txid,
        "rev": rev,
        "verified": verified,
        "data": data,
    }
