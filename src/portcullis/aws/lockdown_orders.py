"""What people order about a lockdown: its start, and each stage of its lifting."""

from portcullis.aws import changes, enrolment, lockdowns
from portcullis.aws.changes import Actor, Conflict
from portcullis.aws.codes import Presented
from portcullis.aws.dynamo import Cancelled, Table
from portcullis.aws.wire import Unavailable
from portcullis.domain import lockdown
from portcullis.domain.lockdown import Lockdown

STARTED, LIFTING = "lockdown.started", "lockdown.lifting"


def start(table: Table, actor: Actor, reason: str) -> Lockdown:
    """Set the flag. While it is set already: no change."""
    for _ in changes.attempts():
        before = lockdowns.read(table)
        after = lockdown.started(before, actor.arn, reason, actor.now)
        if after == before:
            return after
        try:
            table.transact(*lockdowns.writing(before, after, actor, STARTED))
        except Cancelled:
            continue
        return after
    raise Unavailable("the lockdown was contended")


def lift(table: Table, actor: Actor, presented: Presented, agents: tuple[str, ...], share: int | None) -> Lockdown:
    """Order the next stage, by the code of an approver, which is used up also where that cannot be."""
    for _ in changes.attempts():
        before = lockdowns.read(table)
        after = lockdown.lifting(before, presented.approver, actor.now, agents, share)
        if isinstance(after, str):
            if not presented.spend(table):
                raise enrolment.refused()
            raise Conflict(after)
        try:
            table.transact(presented.action(), *lockdowns.writing(before, after, actor, LIFTING))
        except Cancelled as cancelled:
            if cancelled.failed(0):
                raise enrolment.refused() from None
            continue
        return after
    raise Unavailable("the lockdown was contended")
