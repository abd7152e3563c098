"""Keys as operators manage them: issue, retire and revoke. A key may commit only while the account lists it as live."""

from collections.abc import Sequence
from typing import Any

from portcullis.aws import changes, key_records, key_revoking
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.dynamo import Table
from portcullis.domain import rate, times
from portcullis.domain.account import MAX_LIVE_KEYS, Account
from portcullis.domain.key_classes import RETIRE_NOTICE
from portcullis.domain.times import SECOND
from portcullis.domain.verification import KeyRecord
from portcullis.protocol.strict_json import MalformedInput


def issue(table: Table, actor: Actor, record: KeyRecord) -> Account | None:
    """Store a new key and make it live, in one transaction. None: there is no such agent."""

    def plan(account: Account) -> Change | None:
        if record.live_name in account.live_keys:
            return None
        if account.keyless:
            raise Conflict(account.keyless)
        if record.has_ended(actor.now):
            raise MalformedInput("expires_at", "lies in the past; give a later instant, or none")
        live = key_revoking.live_records(table, account, record.stage)
        if record.delivered:
            _require_sole_delivery(live, record)
        ended = [each for each in live if each.has_ended(actor.now)]  # refused already: whoever adds a key removes them
        tats = key_revoking.tats(ended)
        return Change(
            "key.issued",
            described(record),
            others=[
                changes.put_new(key_records.new_item(record, account.epoch)),
                *key_revoking.removals(ended),
            ],
            sets={"live_keys": with_room(account, ended) | {record.live_name}},
            clauses=changes.remove(*tats),
            names=tats,
            key=record.key_id,
        )

    return changes.apply(table, record.agent, actor, plan)


def _require_sole_delivery(live: Sequence[KeyRecord], record: KeyRecord) -> None:
    """An agent has one secret, so of its delivered keys one is active, aside from that which ``record`` replaces."""
    for each in live:
        if each.delivered and each.state == "active" and each.key_id != record.parent:
            raise Conflict(f"Secrets Manager delivers {each.key_id} to this agent already. Rotate that, or revoke it.")


def with_room(account: Account, leaving: Sequence[KeyRecord]) -> frozenset[str]:
    """The account's live keys without ``leaving``; Conflict when there is no room for one more."""
    kept = account.live_keys - {each.live_name for each in leaving}
    if len(kept) >= MAX_LIVE_KEYS:
        raise Conflict(f"The agent has {MAX_LIVE_KEYS} live keys. Revoke one first.")
    return kept


def retire(
    table: Table, actor: Actor, agent: str, key_id: str, until: int, *, successor: str | None = None
) -> KeyRecord | None:
    """Let a key end at ``until`` (microseconds), or at its expiry if that is earlier. None: no such key.

    It keeps its version and its place among the live keys, so that no request of the overlap is refused; from the
    end on the authorizer refuses it. Again with the same end: nothing changes. An end moves to earlier only. The key
    remembers its ``successor``, if there is one.
    """
    record = key_records.read(table, key_id)
    if record is None or record.agent != agent:
        return None

    def plan(_: Account) -> Change | None:
        present = key_records.read(table, key_id)
        if present is None or present.state == "revoked":
            raise Conflict("The key is revoked; it has ended already.")
        ends_at = until if present.ends_at is None else min(until, present.ends_at)
        if present.state == "retiring" and until == present.ends_at:
            return None
        if present.state == "retiring" and until > ends_at:
            raise Conflict(f"The key retires at {times.rfc3339(ends_at)}; its end can only move to earlier.")
        if until < actor.now + RETIRE_NOTICE:
            raise MalformedInput(
                "until", f"at least {RETIRE_NOTICE // SECOND} s ahead; to end a key at once, revoke it"
            )
        sets = {"state": "retiring", "ends_at": ends_at} | ({"successor": successor} if successor else {})
        return Change("key.retiring", {"ends_at": ends_at}, others=[key_records.update(present, sets)], key=key_id)

    changes.apply(table, agent, actor, plan)
    return key_records.read(table, key_id)


def described(record: KeyRecord) -> dict[str, Any]:
    """What the event of a new key says of it."""
    return {
        "scopes": list(record.scopes),
        "ip_ranges": list(record.ip_ranges),
        "ends_at": record.ends_at,
        "rate": rate.render(record.rate),
        "algorithm": record.algorithm,
        "key_class": record.key_class,
        "parent": record.parent,
        "self_rotation": record.self_rotation,
        "delivered": record.delivered,
    }
