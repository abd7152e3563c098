"""One-time codes as approvers present them: counted before they are looked at, and good once."""

from dataclasses import dataclass
from typing import Any

from portcullis.aws import approvers, changes
from portcullis.aws.dynamo import Table
from portcullis.aws.expressions import Update
from portcullis.aws.roots import Roots
from portcullis.aws.wire import Unavailable
from portcullis.domain.approvers import MAX_ATTEMPTS, Approver, attempted, identity_of
from portcullis.domain.times import SECOND
from portcullis.protocol import totp


@dataclass(frozen=True, slots=True)
class Presented:
    """A right code, not used yet."""

    approver: Approver
    step: int

    def action(self, **sets: Any) -> dict[str, Any]:
        """Using it, in the same write as what it approves or not at all; ``sets`` are further attributes."""
        return self._use(**sets).action(approvers.primary_key(self.approver.id))

    def spend(self, table: Table) -> bool:
        """Use it for nothing, where what it was given for cannot be; whether it was still there to be used."""
        return table.update_if(approvers.primary_key(self.approver.id), self._use().request())[0]

    def _use(self, **sets: Any) -> Update:
        update = Update(names={"#last_step": "last_step"}, values={":step": self.step})
        update.require(state=self.approver.state, identity=self.approver.identity)
        update.conditions.append("#last_step < :step")
        update.sets.append("#last_step = :step")
        update.put(attempts=0, locked_until=0, **sets)
        return update


@dataclass(frozen=True, slots=True)
class Wrong:
    """Not accepted, for whatever reason. ``locked`` is the approver that this attempt has locked."""

    locked: Approver | None = None


def present(
    table: Table, roots: Roots, approver_id: str, arn: str, code: str, now: int, *, state: str = "active"
) -> Presented | Wrong:
    """Check a code. Only the approver's own identity gets as far as counting: nobody else can lock them out."""
    approver = _counted(table, approver_id, arn, now, state)
    if approver is None:
        return Wrong()
    secret = roots.totp_secret_of(approver.id)
    step = None if secret is None else totp.matched_step(secret, code, now // SECOND)
    if step is None or step <= approver.last_step:
        return Wrong(approver if approver.attempts == MAX_ATTEMPTS else None)
    return Presented(approver, step)


def _counted(table: Table, approver_id: str, arn: str, now: int, state: str) -> Approver | None:
    """The approver with this attempt counted, or None where it may not try."""
    for _ in changes.attempts():
        approver = approvers.read(table, approver_id)
        if approver is None or approver.state != state or approver.identity != identity_of(arn):
            return None
        counted = attempted(approver, now)
        if counted is None:
            return None
        update = Update()
        update.require(state=state, attempts=approver.attempts, locked_until=approver.locked_until)
        update.put(**counted)
        done, item = table.update_if(approvers.primary_key(approver_id), update.request())
        if done:
            return approvers.from_item(item)
    raise Unavailable("the approver was contended")
