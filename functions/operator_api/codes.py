"""Who speaks as an approver: the path names them, IAM says who calls, and the code proves the person."""

from typing import Any

from functions.operator_api.request import actor_of, stores
from portcullis.aws import approvers, codes, enrolment
from portcullis.aws.codes import Presented, Wrong
from portcullis.domain.approvers import APPROVER_ID, Approver, identity_of


def approver_of(event: dict[str, Any]) -> str:
    """The approver that the path names. One that cannot be is refused like one whose code is wrong."""
    approver: str = event["pathParameters"]["approver"]
    if not APPROVER_ID.fullmatch(approver):
        raise enrolment.refused()
    return approver


def entitled(event: dict[str, Any]) -> Approver:
    """The path's approver, provided that the caller has its identity."""
    approver = approvers.read(stores().table, approver_of(event))
    if approver is None or approver.state == "revoked" or approver.identity != identity_of(actor_of(event).arn):
        raise enrolment.refused()
    return approver


def presented_by(event: dict[str, Any], code: str, *, state: str = "active") -> Presented:
    """The code of the path's approver, checked and not used yet."""
    table, actor = stores().table, actor_of(event)
    given = codes.present(table, stores().roots, approver_of(event), actor.arn, code, actor.now, state=state)
    if isinstance(given, Wrong):
        if given.locked is not None:
            enrolment.note_lock(table, actor, given.locked)
        raise enrolment.refused()
    return given
