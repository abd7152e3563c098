"""Approvers: enrol, show the device's secret once, confirm, list, revoke. Whoever the path names gives the code."""

import hashlib
from typing import Any

from functions.operator_api.codes import approver_of, entitled, presented_by
from functions.operator_api.request import actor_of, entropy, stores
from portcullis.aws import approvers, enrolment, generations
from portcullis.aws.changes import Conflict
from portcullis.aws.proxy import Answer, Refusal, json_answer, json_body
from portcullis.domain.approver_requests import Confirmation, FirstApprover, NewApprover, Revocation
from portcullis.domain.approvers import Approver, approver_id, describe, identity_of
from portcullis.protocol import totp


def _bootstrap(event: dict[str, Any]) -> Answer:
    wanted, actor = json_body(event, FirstApprover), actor_of(event)
    identity = identity_of(actor.arn)
    if identity is None:
        raise Refusal("forbidden", "Call as an IAM user or through a role: an approver is bound to one.")
    new = Approver(_new_id(event), wanted.name, identity, "pending", actor.now)
    enrolment.bootstrap(stores().table, actor, new)
    return _enrolled(event, new)


def _enrol(event: dict[str, Any]) -> Answer:
    wanted, actor = json_body(event, NewApprover), actor_of(event)
    new = Approver(_new_id(event), wanted.name, wanted.identity, "pending", actor.now, sponsor=approver_of(event))
    if approvers.read(stores().table, new.id) is None:
        enrolment.enrol(stores().table, actor, new, presented_by(event, wanted.code))
    return _enrolled(event, new)


def _show_device(event: dict[str, Any]) -> Answer:
    approver, call = entitled(event), hashlib.sha256(entropy(event, f"device {approver_of(event)}")).digest()
    enrolment.show_device(stores().table, actor_of(event), approver.id, call)
    secret = stores().roots.totp_secret_of(approver.id)
    if secret is None:
        raise Conflict("The root of this approver's codes is gone. Enrol the person again.")
    account = f"{approver.name} ({stores().stage})"
    return json_answer(200, {**_described(event), "secret": totp.base32(secret), "uri": totp.uri(secret, account)})


def _confirm(event: dict[str, Any]) -> Answer:
    code = json_body(event, Confirmation).code
    if entitled(event).state == "active":
        raise Conflict("It is active already.")
    enrolment.confirm(stores().table, actor_of(event), presented_by(event, code, state="pending"))
    return json_answer(200, _described(event))


def _list(event: dict[str, Any]) -> Answer:
    now = actor_of(event).now
    return json_answer(200, {"approvers": [describe(each, now) for each in approvers.read_all(stores().table)]})


def _revoke(event: dict[str, Any]) -> Answer:
    wanted = json_body(event, Revocation)
    sponsor = presented_by(event, wanted.code)
    enrolment.revoke(stores().table, actor_of(event), wanted.approver_id, sponsor)
    return json_answer(200, _described(event, wanted.approver_id))


def _new_id(event: dict[str, Any]) -> str:
    return approver_id(generations.current(stores().table, stores().roots), entropy(event, "approver"))


def _enrolled(event: dict[str, Any], wanted: Approver) -> Answer:
    """The answer to an enrolment, and to a retry of it."""
    stored = approvers.read(stores().table, wanted.id)
    same = stored and (stored.name, stored.identity, stored.sponsor) == (wanted.name, wanted.identity, wanted.sponsor)
    if not same:
        raise Refusal("idempotency_conflict", "This Idempotency-Key has enrolled another approver.")
    return json_answer(201, _described(event, wanted.id))


def _described(event: dict[str, Any], approver: str | None = None) -> dict[str, Any]:
    found = approvers.read(stores().table, approver or approver_of(event))
    if found is None:
        raise Refusal("not_found", "There is no such approver.")
    return describe(found, actor_of(event).now)


ROUTES = {
    ("POST", "/v1/approvers"): _bootstrap,
    ("GET", "/v1/approvers"): _list,
    ("POST", "/v1/approvers/{approver}/enrolments"): _enrol,
    ("POST", "/v1/approvers/{approver}/device"): _show_device,
    ("POST", "/v1/approvers/{approver}/confirm"): _confirm,
    ("POST", "/v1/approvers/{approver}/revocations"): _revoke,
}
