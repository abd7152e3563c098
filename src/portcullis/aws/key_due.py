"""Asking for the rotation of a key before its class would: it is due from now on, and lists say so."""

from portcullis.aws import changes, key_records
from portcullis.aws.changes import Actor, Change
from portcullis.aws.dynamo import Table
from portcullis.domain.account import Account
from portcullis.domain.verification import KeyRecord


def mark(table: Table, actor: Actor, key: KeyRecord, since: int) -> None:
    """Make a key due now, unless it has been since ``since``, or is not active any more."""

    def plan(_: Account) -> Change | None:
        present = key_records.read(table, key.key_id)
        if present is None or present.state != "active" or (present.due_at or 0) >= since:
            return None
        sets = {"due_at": actor.now}
        return Change("key.due", {"due_at": actor.now}, others=[key_records.update(present, sets)], key=key.key_id)

    changes.apply(table, key.agent, actor, plan)
