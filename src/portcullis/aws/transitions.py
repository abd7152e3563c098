"""Moving a transaction on: ``[Update transaction, Update or ConditionCheck of its account, …]`` in one write.

The transaction's ``rev`` is the condition, so a record is moved from the state that was looked at or not at all. What
it reserved is given back in the same write, and the record then holds nothing any more: never twice, never not at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from portcullis.aws import accounts, changes, records
from portcullis.aws.dynamo import Cancelled, Table
from portcullis.aws.expressions import Update
from portcullis.aws.wire import Unavailable
from portcullis.domain import lifecycle
from portcullis.domain.account import ACTIVE, Account
from portcullis.domain.lifecycle import Conflict, Moved, Outcome, Unchanged
from portcullis.domain.record import Record

Plan = Callable[[Record, Account], Outcome]
_TRANSACTION, _ACCOUNT = 0, 1


@dataclass(frozen=True, slots=True)
class Caller:
    """The agent that asks for a move, by a key whose name stands in its account's ``live_keys``. Its account must be in
    one of these ``states``."""

    agent: str
    key_version: str
    states: tuple[str, ...] = (ACTIVE,)


class NotLive(Exception):
    """The caller's own account, at the moment of the write, was not active or its key not live; ``code`` says which,
    ``detail`` what is known beyond it."""

    def __init__(self, code: str, detail: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def apply(
    table: Table,
    agent: str,
    txid: str,
    plan: Plan,
    others: Sequence[dict[str, Any]] = (),
    *,
    caller: Caller | None = None,
) -> Record | Conflict | None:
    """Move a transaction as ``plan`` says of it and its agent's account, both as they are now; None: there is none.

    ``plan`` is asked again when either has changed meanwhile. ``others`` are further actions of the same write; a
    failed condition of theirs raises Cancelled, whose reasons stand behind those of the transaction, the account and
    the caller's account. ``caller`` must be live at the very moment of the write, or NotLive is raised.
    """
    for _ in changes.attempts():
        record, account = records.read(table, agent, txid), accounts.read(table, agent)
        if record is None or account is None:
            return None
        outcome = plan(record, account)
        if isinstance(outcome, Conflict):
            return outcome
        if isinstance(outcome, Unchanged):
            return outcome.record
        own = _actions(record, outcome, account, caller)
        try:
            table.transact(*own, *others)
        except Cancelled as cancelled:
            _explain(cancelled, agent, len(own), caller)
            continue
        return outcome.record
    raise Unavailable(f"the transaction was contended for {changes.DEADLINE_SECONDS:g} s")


def expire(table: Table, record: Record, now: int) -> Record:
    """The record, moved on first if the time of its state has run out."""
    if not lifecycle.is_due(record, now):
        return record
    moved = apply(table, record.agent, record.id, lambda current, _account: lifecycle.expire(current, now))
    return moved if isinstance(moved, Record) else record


def live_principal(caller: Caller) -> dict[str, Any]:
    """The check that whoever asks is active, and its key live, at the very moment of the write."""
    check = Update()
    _require_live(check, caller)
    return check.action(accounts.primary_key(caller.agent))


def _require_live(update: Update, caller: Caller) -> None:
    named = {f":state{number}": state for number, state in enumerate(caller.states)}
    update.names["#state"] = "state"
    update.values |= {**named, ":key_version": caller.key_version}
    update.conditions += [f"#state IN ({', '.join(named)})", "contains(live_keys, :key_version)"]


def _actions(record: Record, outcome: Moved, account: Account, caller: Caller | None) -> list[dict[str, Any]]:
    """The caller's account is the agent's own when it moves its own transaction: one action, for DynamoDB refuses two
    on one item."""
    actions = [_move(record, outcome.record)]
    guard = Update()
    if caller is not None and caller.agent == record.agent:
        _require_live(guard, caller)
    if outcome.guarded is not None:
        _guard(record, outcome.guarded, guard)
    _release(record, outcome.record, account, guard)
    _revalue(record, outcome.record, account, guard)
    if guard.conditions:
        actions.append(guard.action(accounts.primary_key(record.agent)))
    if caller is not None and caller.agent != record.agent:
        actions.append(live_principal(caller))
    return actions


def _revalue(before: Record, after: Record, account: Account, update: Update) -> None:
    """Book what is still reserved at its present value, only where nothing else was booked meanwhile: the plan found
    room in the window as it was."""
    more = (after.usd or 0) - (before.usd or 0)
    kept = [window for window in before.windows if window in after.windows and window in account.windows]
    for number, window in enumerate(kept if more else ()):
        name = f"#kept{number}"
        update.names[name] = window
        update.values |= {":more": more, f":seen{number}": account.windows[window]}
        update.conditions.append(f"{name} = :seen{number}")
        update.sets.append(f"{name} = {name} + :more")


def _guard(record: Record, seen: Account, update: Update) -> None:
    update.require(state=ACTIVE, epoch=record.epoch, policy_version=seen.policy_version)


def _explain(cancelled: Cancelled, agent: str, own: int, caller: Caller | None) -> None:
    """Raise what no further attempt can change; nothing when the transaction or its agent's account has moved."""
    if any(cancelled.failed(index) for index in range(own, len(cancelled.reasons))):
        raise cancelled
    if caller is None or cancelled.failed(_TRANSACTION):
        return
    index = _ACCOUNT if caller.agent == agent else own - 1
    item = cancelled.reasons[index].item if cancelled.failed(index) else None
    if item is None:
        return
    account = accounts.from_item(item)
    if account.state not in caller.states:
        raise NotLive("agent_suspended", account.stopped)
    if caller.key_version not in account.live_keys:
        raise NotLive("invalid_credentials")


def _move(before: Record, after: Record) -> dict[str, Any]:
    old, new = records.to_item(before), records.to_item(after)
    update = Update()
    update.require(rev=before.rev)
    update.put(**{name: new.get(name) for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)})
    return update.action(records.primary_key(before.agent, before.id))


def _release(before: Record, after: Record, account: Account, update: Update) -> None:
    """Give back what was reserved, in the windows that are still kept. A window that holds less than is to be given
    back was not this record's: it is left alone, for it must never fall below zero nor hold up the move."""
    usd = before.usd or 0
    given_back = [name for name in before.windows if name not in after.windows and account.windows.get(name, 0) >= usd]
    for number, window in enumerate(given_back):
        update.names[f"#window{number}"] = window
        update.values[":usd"] = usd
        update.conditions.append(f"#window{number} >= :usd")
        update.sets.append(f"#window{number} = #window{number} - :usd")
