"""The event envelope (DESIGN 2.4), built here and nowhere else.

``{v, id, type, agent, key, ip, at, txid, rev, verified, data}`` with ``id`` = subject ``#`` rev. The subject is the
transaction, or else the agent, the price table or the approvers that were changed, or a refusal. Consumers order by
``rev``. The authorizer imports this, so it imports nothing of what events are made of.
"""

from typing import Any

from portcullis.domain import times

VERSION = 1
SOURCE = "portcullis"
"""What every event on the bus has as its source."""


def of_change(item: dict[str, Any]) -> dict[str, Any]:
    """The event of a change by an operator, a function or an agent, from the stored ``EVENT#`` item."""
    return envelope(
        subject=item["subject"],
        rev=item["rev"],
        type_=item["type"],
        agent=item["agent"],
        key=item["key"],
        source_ip=item["ip"],
        at=item["at"],
        txid=None,
        verified=item.get("verified", False),
        data=item["data"],
    )


def of_malformed(partition: str, sort_key: str, at: int, error: str) -> dict[str, Any]:
    """The event of a stored item that could not be read, so that it is missed by nobody."""
    return envelope(
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


def envelope(
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
    """The event. ``at`` is microseconds; ``verified`` says that a request that passed every step caused it."""
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
