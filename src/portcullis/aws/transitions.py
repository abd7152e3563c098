"""Moving a transaction on: ``[Update transaction, Update or ConditionCheck of its account, …]`` in one write.

The transaction's ``rev`` is the condition, so a record is moved from the state that was looked at or not at all. What
it reserved is given back in the same write, and the record then holds nothing any more: never twice, never not at all.
"""

from collections.abc import Callable, Sequence
from typing import Any

from portcullis.aws import accounts, changes, records
from portcullis.aws.dynamo import Cancelled, Table
from portcullis.aws.expressions import Update
from portcullis.aws.wire import Unavailable
from portcullis.domain.account import Account
from portcullis.domain.lifecycle import Conflict, Moved, Outcome, Unchanged
from portcullis.domain.record import Record

Plan = Callable[[Record, Account], Outcome]


def apply(
    table: Table, agent: str, txid: str, plan: Plan, others: Sequence[dict[str, Any]] = ()
) -> Record | Conflict | None:
    """Move a transaction as ``plan`` says of it and its agent's account, both as they are now; None: there is none.

    ``plan`` is asked again when either has changed meanwhile. ``others`` are further actions of the same write; a
    failed condition of theirs raises Cancelled, whose reasons stand behind those of the transaction and the account.
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
        own = _actions(record, outcome, account)
        try:
            table.transact(*own, *others)
        except Cancelled as cancelled:
            if any(cancelled.failed(index) for index in range(len(own), len(own) + len(others))):
                raise
            continue
        return outcome.record
    raise Unavailable(f"the transaction was contended for {changes.DEADLINE_SECONDS:g} s")


def live_principal(agent: str, key_version: str) -> dict[str, Any]:
    """The check that whoever asks is active, and its key live, at the very moment of the write."""
    check = Update()
    check.require(state="active")
    check.conditions.append("contains(live_keys, :key_version)")
    check.values[":key_version"] = key_version
    return check.action(accounts.primary_key(agent))


def _actions(record: Record, outcome: Moved, account: Account) -> list[dict[str, Any]]:
    actions = [_move(record, outcome.record)]
    guard = Update()
    if outcome.guarded is not None:
        seen = outcome.guarded
        guard.require(state="active", epoch=record.epoch, policy_version=seen.policy_version)
    _release(record, outcome.record, account, guard)
    _revalue(record, outcome.record, account, guard)
    if guard.conditions:
        actions.append(guard.action(accounts.primary_key(record.agent)))
    return actions


def _revalue(before: Record, after: Record, account: Account, update: Update) -> None:
    """Book what is still reserved at its present value. More only where nothing else was booked meanwhile, for the
    plan found room in the window as it was."""
    more = (after.usd or 0) - (before.usd or 0)
    kept = [window for window in before.windows if window in after.windows and window in account.windows]
    for number, window in enumerate(kept if more else ()):
        name = f"#kept{number}"
        update.names[name] = window
        update.values |= {":more": more, f":seen{number}": account.windows[window]}
        update.conditions.append(f"{name} = :seen{number}")
        update.sets.append(f"{name} = {name} + :more")


def _move(before: Record, after: Record) -> dict[str, Any]:
    old, new = records.to_item(before), records.to_item(after)
    update = Update()
    update.require(rev=before.rev)
    update.put(**{name: new.get(name) for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)})
    return update.action(records.primary_key(before.agent, before.id))


def _release(before: Record, after: Record, account: Account, update: Update) -> None:
    """Give back what was reserved, in the windows that are still kept."""
    given_back = [window for window in before.windows if window not in after.windows and window in account.windows]
    for number, window in enumerate(given_back):
        update.names[f"#window{number}"] = window
        update.values[":usd"] = before.usd
        update.conditions.append(f"#window{number} >= :usd")
        update.sets.append(f"#window{number} = #window{number} - :usd")
