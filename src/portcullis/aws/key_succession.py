"""A key and its successor change places in one transaction: no moment without a live key, and none with a stray one."""

from collections.abc import Sequence

from portcullis.aws import changes, key_records, key_revoking
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.dynamo import Item, Table
from portcullis.aws.key_issuing import described, with_room
from portcullis.domain import times
from portcullis.domain.account import Account
from portcullis.domain.verification import KeyRecord

ROTATED = (
    "The key has been rotated already; use its successor. If you have not done that, somebody else has the key: have "
    "the operator revoke it, which ends its successor too, and issue a new one."
)


def succeed(
    table: Table, actor: Actor, old_id: str, new: KeyRecord, overlap: int, *, once: bool = False
) -> Account | None:
    """Make ``new`` live and let the key ``old_id`` end after ``overlap`` microseconds, or at its own end if that is
    earlier; 0 revokes it in the same write, with its lineage, for whoever stole it may have replaced it. ``once``: a
    key that has a successor gets no second one. Again: no change.

    Keys that have ended by themselves leave the account on the way. Conflict says what stands in the way; None: there
    is no such agent."""

    def plan(account: Account) -> Change | None:
        if new.live_name in account.live_keys:
            return None
        if account.keyless:
            raise Conflict(account.keyless)
        live = key_revoking.live_records(table, account, new.stage)
        old = _replaceable(account, live, old_id, actor.now)
        # Its successor may be this one, made by a twin of this call since the account was read: planned again, then.
        if once and old.successor not in (None, new.key_id):
            raise Conflict(ROTATED)
        return _rotation(account, live, old, new, actor.now, overlap)

    return changes.apply(table, new.agent, actor, plan)


def _replaceable(account: Account, live: Sequence[KeyRecord], old_id: str, now: int) -> KeyRecord:
    old = next((each for each in live if each.key_id == old_id and each.live_name in account.live_keys), None)
    if old is None:
        raise Conflict("The key is revoked; issue a new one instead.")
    if old.has_ended(now):
        raise Conflict("The key has ended; issue a new one instead.")
    return old


def _rotation(
    account: Account, live: Sequence[KeyRecord], old: KeyRecord, new: KeyRecord, now: int, overlap: int
) -> Change:
    revoked = key_revoking.lineage(old, live) if overlap == 0 else []
    leaving = [each for each in live if each in revoked or each.has_ended(now)]
    ends_at = now + overlap if old.ends_at is None else min(now + overlap, old.ends_at)
    told = {"ends_at_of_parent": times.rfc3339(ends_at), "revoked": sorted(each.key_id for each in revoked)}
    tats = key_revoking.tats(leaving)
    return Change(
        "key.rotated",
        {**described(new), **told},
        others=[
            changes.put_new(key_records.new_item(new, account.epoch)),
            key_records.update(old, _ending(old, ends_at, new.key_id, at_once=overlap == 0)),
            *key_revoking.removals([each for each in leaving if each != old]),
        ],
        sets={"live_keys": with_room(account, leaving) | {new.live_name}},
        clauses=changes.remove(*tats),
        names=tats,
        key=new.key_id,
    )


def _ending(old: KeyRecord, ends_at: int, successor: str, *, at_once: bool) -> Item:
    if at_once:
        return {"state": "revoked", "version": old.version + 1, "ends_at": ends_at, "successor": successor}
    return {"state": "retiring", "ends_at": ends_at, "successor": successor}
