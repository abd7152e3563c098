"""A key and its successor change places in one transaction: no moment without a live key, and none with a stray one."""

from portcullis.aws import changes, key_records, key_revoking
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.dynamo import Item, Table
from portcullis.aws.key_issuing import described, with_room
from portcullis.domain import times
from portcullis.domain.account import Account
from portcullis.domain.verification import KeyRecord


def succeed(
    table: Table, actor: Actor, old_id: str, new: KeyRecord, overlap: int, *, once: bool = False
) -> Account | None:
    """Make ``new`` live and let the key ``old_id`` end after ``overlap`` microseconds, or at its own end if that is
    earlier; 0 revokes it in the same write. ``once``: a key that has a successor gets no second one. Again: no change.

    Keys that have ended by themselves leave the account on the way. Conflict says what stands in the way; None: there
    is no such agent."""

    def plan(account: Account) -> Change | None:
        if new.live_name in account.live_keys:
            return None
        old = _replaceable(table, account, old_id, once)
        ended = [each for each in key_revoking.ended(table, account, new.stage, actor.now) if each.key_id != old_id]
        kept = with_room(account, [*ended, old] if overlap == 0 else ended)
        ends_at = _end(old, actor.now + overlap)
        return Change(
            "key.rotated",
            {**described(new), "ends_at_of_parent": times.rfc3339(ends_at)},
            others=[
                changes.put_new(key_records.new_item(new, account.epoch)),
                key_records.update(old, _ending(old, ends_at, new.key_id, at_once=overlap == 0)),
                *key_revoking.removals(ended),
            ],
            sets={"live_keys": kept | {new.live_name}},
            key=new.key_id,
        )

    return changes.apply(table, new.agent, actor, plan)


def _replaceable(table: Table, account: Account, old_id: str, once: bool) -> KeyRecord:
    old = key_records.read(table, old_id)
    if account.state != "active":
        raise Conflict("The agent is suspended; it gets no new keys before it is recovered.")
    if old is None or old.agent != account.agent or old.live_name not in account.live_keys:
        raise Conflict("The key is revoked; issue a new one instead.")
    if once and old.successor is not None:
        raise Conflict("The key has been rotated already; use its successor.")
    return old


def _end(old: KeyRecord, wanted: int) -> int:
    return wanted if old.ends_at is None else min(wanted, old.ends_at)


def _ending(old: KeyRecord, ends_at: int, successor: str, *, at_once: bool) -> Item:
    if at_once:
        return {"state": "revoked", "version": old.version + 1, "ends_at": ends_at, "successor": successor}
    return {"state": "retiring", "ends_at": ends_at, "successor": successor}
