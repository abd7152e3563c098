"""Changes outside of transactions: ``[mutation…, Put EVENT]`` in one write, numbered by the subject's ``rev``.

The update of the account is conditional on the ``rev`` that was read, so the numbers have no gap and no twin; a
consumer that misses one knows it.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from portcullis.aws import accounts
from portcullis.aws.dynamo import Cancelled, Item, Table, to_attributes
from portcullis.aws.wire import Unavailable
from portcullis.domain.account import Account

DEADLINE_SECONDS = 15.0
BACKOFF_SECONDS = 0.05

_uniform = secrets.SystemRandom().random


class Conflict(Exception):
    """The change does not fit the present state. ``code`` is that of DESIGN 4; the message says what to do."""

    def __init__(self, detail: str, code: str = "state_conflict") -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something, from where, and when (microseconds): a principal by its ARN, or an agent by the key that
    the request was ``verified`` by."""

    arn: str
    source_ip: str
    now: int
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an agent: its event's ``type`` and ``data``, further ``puts``, and the update of the account."""

    type: str
    data: dict[str, Any]
    others: Sequence[dict[str, Any]] = ()
    sets: dict[str, Any] = field(default_factory=dict)
    clauses: str = ""
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    key: str | None = None


def event_put(
    actor: Actor, subject: str, partition: str, rev: int, change: Change, agent: str | None
) -> dict[str, Any]:
    """The Put of an event item, which the outbox turns into an event."""
    item: Item = {
        "pk": partition,
        "sk": f"EVENT#{rev:010d}",
        "subject": subject,
        "type": change.type,
        "agent": agent,
        "key": change.key,
        "ip": actor.source_ip,
        "at": actor.now,
        "rev": rev,
        "verified": actor.verified,
        "data": {**change.data, "actor": actor.arn},
    }
    return put_new(item)


def remove(*names: str) -> str:
    """The clause that removes these attributes; empty where there is none."""
    return f"REMOVE {', '.join(names)}" if names else ""


def put_new(item: Item) -> dict[str, Any]:
    """The Put of an item that must not exist yet."""
    return {"Put": {"Item": to_attributes(item), "ConditionExpression": "attribute_not_exists(pk)"}}


def apply(table: Table, agent: str, actor: Actor, plan: Callable[[Account], Change | None]) -> Account | None:
    """Change an agent: ``plan`` sees the account as it is now and returns the change, None when there is nothing to
    do, or raises Conflict. Planned again when the account moved meanwhile. None: there is no such agent."""
    for _ in attempts():
        account = accounts.read(table, agent)
        if account is None:
            return None
        change = plan(account)
        if change is None:
            return account
        try:
            table.transact(*actions(account, actor, change))
        except Cancelled:
            continue
        return accounts.read(table, agent)
    raise Unavailable(f"the account was contended for {DEADLINE_SECONDS:g} s")


def attempts(clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> Iterator[int]:
    """Tries until the deadline, a short random pause between them: the agent that an operator must stop may be the
    one that keeps its account contended, so this does not give up as early as a payment does."""
    deadline, attempt = clock() + DEADLINE_SECONDS, 0
    while clock() < deadline:
        yield attempt
        attempt += 1
        sleep(BACKOFF_SECONDS * _uniform())


def actions(account: Account, actor: Actor, change: Change) -> list[dict[str, Any]]:
    """The actions that make a change, on condition that the account is still as it was read."""
    rev = account.rev + 1
    sets = {"rev": rev, **change.sets}
    names = {f"#{name}": name for name in sets} | change.names
    values = {f":{name}": value for name, value in sets.items()} | change.values | {":read": account.rev}
    assignments = ", ".join(f"#{name} = :{name}" for name in sets)
    update = {
        "Update": {
            "Key": to_attributes(accounts.primary_key(account.agent)),
            "UpdateExpression": f"SET {assignments} {change.clauses}".strip(),
            "ConditionExpression": "#rev = :read",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_attributes(values),
        }
    }
    partition = accounts.partition(account.agent)
    return [update, *change.others, event_put(actor, account.agent, partition, rev, change, account.agent)]
