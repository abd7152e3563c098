"""Keys as operators manage them: issue and revoke. A key may commit only while the account lists it as live."""

from portcullis.aws import changes, key_records
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.dynamo import Table, to_attributes
from portcullis.domain.account import MAX_LIVE_KEYS, Account
from portcullis.domain.verification import KeyRecord


def issue(table: Table, actor: Actor, record: KeyRecord) -> Account | None:
    """Store a new key and make it live, in one transaction. None: there is no such agent."""

    def plan(account: Account) -> Change | None:
        if record.live_name in account.live_keys:
            return None
        if account.state != "active":
            raise Conflict("The agent is suspended; it gets no new keys before it is recovered.")
        if len(account.live_keys) >= MAX_LIVE_KEYS:
            raise Conflict(f"The agent has {MAX_LIVE_KEYS} live keys. Revoke one first.")
        return Change(
            "key.issued",
            {"scopes": list(record.scopes), "ip_ranges": list(record.ip_ranges), "ends_at": record.ends_at},
            others=[changes.put_new(key_records.to_item(record))],
            clauses="ADD live_keys :live",
            values={":live": frozenset({record.live_name})},
            key=record.key_id,
        )

    return changes.apply(table, record.agent, actor, plan)


def revoke(table: Table, actor: Actor, agent: str, key_id: str) -> KeyRecord | None:
    """End a key for good: no commit from this moment, no read once caches have aged out. None: no such key."""
    record = key_records.read(table, key_id)
    if record is None or record.agent != agent:
        return None

    def plan(_: Account) -> Change | None:
        present = key_records.read(table, key_id)
        if present is None or present.state == "revoked":
            return None
        return Change(
            "key.revoked",
            {},
            others=[_update(present)],
            clauses="DELETE live_keys :live",
            values={":live": frozenset({present.live_name})},
            key=key_id,
        )

    changes.apply(table, agent, actor, plan)
    return key_records.read(table, key_id)


def _update(present: KeyRecord) -> dict[str, object]:
    values = {":revoked": "revoked", ":version": present.version + 1, ":read": present.version}
    return {
        "Update": {
            "Key": to_attributes(key_records.primary_key(present.key_id)),
            "UpdateExpression": "SET #state = :revoked, version = :version",
            "ConditionExpression": "version = :read",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": to_attributes(values),
        }
    }
