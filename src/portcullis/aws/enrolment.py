"""Who may approve: every change is ``[Update registry, mutation, Put EVENT]``, and the code it needs is used by it.

The registry's ``rev`` is the condition, so of two that race one wins and the other is judged on what it left.
"""

from collections.abc import Callable
from typing import Any

from portcullis.aws import approvers, changes
from portcullis.aws.approvers import PARTITION, Registry
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.codes import Presented
from portcullis.aws.dynamo import Cancelled, Table
from portcullis.aws.expressions import Update
from portcullis.aws.wire import Unavailable
from portcullis.domain.approvers import MAX_APPROVERS, Approver, lapsed
from portcullis.domain.operator_requests import SECRET_RETRY_WINDOW

REFUSED = "The code was not accepted for this approver. Wait for the next one; after five in a row, for 15 minutes."
"""One text for wrong, used, locked and unknown: whoever guesses learns nothing."""

Plan = Callable[[Registry], Change | None]


def bootstrap(table: Table, actor: Actor, approver: Approver) -> None:
    """Enrol the very first approver, whom nobody can sponsor. Once a device was confirmed, never again."""

    def plan(registry: Registry) -> Change | None:
        if registry.founder == approver.id:
            return None
        founder = approvers.read(table, registry.founder) if registry.founder else None
        if registry.established is not None or (founder is not None and not lapsed(founder, actor.now)):
            raise Conflict("There is an approver already, who has to sponsor the next.")
        return _enrolled("approver.bootstrapped", approver, founder=approver.id)

    _apply(table, actor, plan)


def enrol(table: Table, actor: Actor, approver: Approver, sponsor: Presented) -> None:
    """Enrol another approver, sponsored by an active one."""

    def plan(_: Registry) -> Change | None:
        known = [other for other in approvers.read_all(table) if other.state != "revoked"]
        present = [other for other in known if not lapsed(other, actor.now)]
        if len(present) >= MAX_APPROVERS:
            raise Conflict(f"There are {MAX_APPROVERS} approvers. Revoke one first.")
        if approver.binds_a_person and any(other.identity == approver.identity for other in present):
            raise Conflict("This user is an approver already. A lost device: revoke, then enrol anew.")
        return _enrolled("approver.enrolled", approver)

    _apply(table, actor, plan, sponsor)


def show_device(table: Table, actor: Actor, approver_id: str, call_sha256: bytes) -> None:
    """Note that an approver's secret is shown to the call named by ``call_sha256``: once, and to a retry of it."""

    def plan(_: Registry) -> Change | None:
        approver = _pending(approvers.read(table, approver_id), actor.now)
        if approver.shown_sha256 == call_sha256 and actor.now - (approver.shown_at or 0) <= SECRET_RETRY_WINDOW:
            return None
        if approver.shown_sha256 is not None:
            raise Conflict("Its secret was shown before. If that was not you, have it revoked; enrol anew.")
        shown = {"shown_sha256": call_sha256, "shown_at": actor.now}
        return Change("approver.device_shown", _named(approver), others=[_changed(approver, **shown)])

    _apply(table, actor, plan)


def confirm(table: Table, actor: Actor, presented: Presented) -> None:
    """Make a pending approver active, whose device has given a right code."""

    def plan(registry: Registry) -> Change | None:
        approver = _pending(presented.approver, actor.now)
        sets = {} if registry.established else {"established": actor.now}
        return Change("approver.confirmed", _named(approver), sets=sets)

    _apply(table, actor, plan, presented, state="active")


def revoke(table: Table, actor: Actor, approver_id: str, sponsor: Presented) -> None:
    """End an approver, by another's code: so the last active one stays."""

    def plan(_: Registry) -> Change | None:
        approver = approvers.read(table, approver_id)
        if approver is None:
            raise Conflict("There is no such approver.", "not_found")
        if approver.id == sponsor.approver.id:
            raise Conflict("Nobody revokes themselves, so that one approver always remains; ask another one.")
        if approver.state == "revoked":
            return None
        data = {**_named(approver), "sponsor": sponsor.approver.id}
        return Change("approver.revoked", data, others=[_changed(approver, state="revoked")])

    _apply(table, actor, plan, sponsor)


def note_lock(table: Table, actor: Actor, approver: Approver) -> None:
    """Put on record that wrong codes have locked an approver."""
    _apply(table, actor, lambda _: Change("approver.locked", _named(approver)))


def refused() -> Conflict:
    """The one answer to a code that is not accepted."""
    return Conflict(REFUSED, "forbidden")


def _apply(table: Table, actor: Actor, plan: Plan, presented: Presented | None = None, **sets: Any) -> None:
    """Make a change, and use the code that allows it, with ``sets`` of its approver; or use that code for nothing."""
    for _ in changes.attempts():
        present = approvers.read_registry(table)
        change = _planned(table, plan, present, presented)
        if change is None:
            return
        used = [presented.action(**sets)] if presented else []
        try:
            table.transact(*used, *_actions(actor, present, change))
        except Cancelled as cancelled:
            if presented and cancelled.failed(0):
                raise refused() from None
            continue
        return
    raise Unavailable("the registry of approvers was contended")


def _planned(table: Table, plan: Plan, registry: Registry, presented: Presented | None) -> Change | None:
    try:
        change = plan(registry)
    except Conflict:
        if presented and not presented.spend(table):
            raise refused() from None
        raise
    if change is None and presented and not presented.spend(table):
        raise refused()
    return change


def _actions(actor: Actor, registry: Registry, change: Change) -> list[dict[str, Any]]:
    update, rev = Update(), registry.rev + 1
    update.require(rev=registry.rev or None)
    update.put(rev=rev, **change.sets)
    event = changes.event_put(actor, PARTITION, PARTITION, rev, change, None)
    return [update.action(approvers.REGISTRY_KEY), *change.others, event]


def _enrolled(type_: str, approver: Approver, **sets: Any) -> Change:
    data = {**_named(approver), "sponsor": approver.sponsor}
    return Change(type_, data, others=[changes.put_new(approvers.to_item(approver))], sets=sets)


def _changed(approver: Approver, **sets: Any) -> dict[str, Any]:
    update = Update()
    update.require(state=approver.state, shown_sha256=approver.shown_sha256)
    update.put(**sets)
    return update.action(approvers.primary_key(approver.id))


def _named(approver: Approver) -> dict[str, Any]:
    return {"approver_id": approver.id, "name": approver.name, "identity": approver.identity}


def _pending(approver: Approver | None, now: int) -> Approver:
    if approver is None or approver.state != "pending":
        raise Conflict("It does not wait for a device.")
    if lapsed(approver, now):
        raise Conflict("The enrolment was not confirmed in time. Enrol anew.")
    return approver
