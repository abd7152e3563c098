"""Keys that end at once: one with its lineage, or all of an agent."""

from collections.abc import Callable, Sequence
from typing import Any

from portcullis.aws import changes, key_records, listings
from portcullis.aws.changes import Actor, Change
from portcullis.aws.dynamo import Table
from portcullis.domain.account import SUSPENDED, Account
from portcullis.domain.rate import key_tat
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import keys

MAX_AT_ONCE = 90
"""How many keys are revoked in one transaction, which holds 100 actions."""


def revoke(table: Table, actor: Actor, agent: str, key_id: str) -> list[str] | None:
    """End a key for good, and with it every key of its lineage, for whoever stole it may have replaced it: no commit
    from this moment, no read once caches have aged out. The keys that this has ended; None: no such key."""
    record = key_records.read(table, key_id)
    if record is None or record.agent != agent:
        return None
    return _revoke(table, actor, agent, key_id, lambda account: lineage(record, usable(table, account, record.stage)))


def revoke_all(table: Table, actor: Actor, agent: str, stage: str) -> list[str] | None:
    """End every key of an agent. The keys that this has ended; None: no such agent."""
    return _revoke(table, actor, agent, None, lambda account: usable(table, account, stage))


def revoke_unlisted(table: Table, actor: Actor, agent: str) -> list[str] | None:
    """End the keys that the agent's account does not list, which is all of them while it is suspended. Those that this
    has ended, at most MAX_AT_ONCE; None: no such agent."""
    return _revoke(table, actor, agent, None, lambda account: unlisted(table, account))


def lineage(record: KeyRecord, among: Sequence[KeyRecord]) -> list[KeyRecord]:
    """Those that an agent has by itself made of the same first key as ``record``, and that one."""
    return [each for each in among if record.first in (each.first, each.key_id)]


def live_records(table: Table, account: Account, stage: str) -> list[KeyRecord]:
    """The keys that the account lists, as they are now: at most MAX_LIVE_KEYS."""
    names = (name.split("#")[0] for name in sorted(account.live_keys))
    found = (key_records.read(table, keys.key_id_of(stage, body)) for body in names)
    return [record for record in found if record is not None]


def removals(ending: Sequence[KeyRecord]) -> list[dict[str, Any]]:
    """The updates that revoke these keys, each as it was read."""
    return [key_records.update(each, {"state": "revoked", "version": each.version + 1}) for each in ending]


def tats(leaving: Sequence[KeyRecord]) -> dict[str, str]:
    """Placeholder -> the attribute in which the account keeps the rate of a key that leaves it, for each."""
    return {f"#tat{number}": tat for number, tat in enumerate(sorted({key_tat(each.live_name) for each in leaving}))}


def _revoke(
    table: Table, actor: Actor, agent: str, key_id: str | None, choose: Callable[[Account], list[KeyRecord]]
) -> list[str] | None:
    ending: list[KeyRecord] = []

    def plan(account: Account) -> Change | None:
        ending[:] = choose(account)
        return _revocation(account, ending, key_id) if ending else None

    found = changes.apply(table, agent, actor, plan)
    return None if found is None else sorted(each.key_id for each in ending)


def usable(table: Table, account: Account, stage: str) -> list[KeyRecord]:
    """The keys that are not revoked. While the agent is suspended its account lists none, and it gets none either."""
    return live_records(table, account, stage) if account.state != SUSPENDED else unlisted(table, account)


def unlisted(table: Table, account: Account) -> list[KeyRecord]:
    """Keys that are not revoked though the account does not list them, at most MAX_AT_ONCE."""
    found: list[KeyRecord] = []
    cursor: str | None = None
    while True:
        page, cursor = listings.list_keys(table, account.agent, 100, cursor)
        found += [each for each in page if each.state != "revoked" and each.live_name not in account.live_keys]
        if cursor is None or len(found) >= MAX_AT_ONCE:
            return found[:MAX_AT_ONCE]


def _revocation(account: Account, ending: Sequence[KeyRecord], key_id: str | None) -> Change:
    kept = account.live_keys - {each.live_name for each in ending}
    names = tats(ending)
    return Change(
        "key.revoked",
        {"keys": sorted(each.key_id for each in ending)},
        others=removals(ending),
        sets={"live_keys": kept} if kept else {},
        clauses=changes.remove(*names, *([] if kept else ["live_keys"])),  # DynamoDB has no empty set
        names=names,
        key=key_id,
    )
