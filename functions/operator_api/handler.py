"""The operator API: API Gateway checked the caller's AWS signature and permission; every change names its caller."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from functions.operator_api import (
    agents,
    approvals,
    approvers,
    audit,
    detection,
    incident_recovery,
    incidents,
    key_jobs,
    keys,
    lockdown,
    policies,
    policy_trials,
    prices,
    request,
    root,
    sources,
    transactions,
)
from portcullis.aws.changes import Conflict
from portcullis.aws.proxy import Answer, Refusal, check_body, refused_request, respond
from portcullis.domain.identifiers import AGENT_ID
from portcullis.protocol.strict_json import MAX_BODY_BYTES, MAX_POLICY_BYTES

Routes = dict[tuple[str, str], Callable[[dict[str, Any]], Answer]]
SUBJECTS = (
    agents,
    approvals,
    approvers,
    audit,
    detection,
    incident_recovery,
    incidents,
    key_jobs,
    keys,
    lockdown,
    policies,
    policy_trials,
    prices,
    root,
    sources,
    transactions,
)
ROUTES: Routes = {route: handle for subject in SUBJECTS for route, handle in subject.ROUTES.items()}
WHOLE_POLICIES = policies.WHOLE_POLICIES | policy_trials.WHOLE_POLICIES

logger = Logger(service="operator_api")


def handler(event: dict[str, Any], _context: object) -> Answer:
    """A proxy event in, a proxy answer out."""
    try:
        return respond(event, lambda: _answer(event), lambda code: _refused(event, code))
    finally:
        request.stores().teller.flush(request.actor_of(event).now)


def _answer(event: dict[str, Any]) -> Answer:
    method, resource = event["httpMethod"], event["resource"]
    check_body(event, MAX_POLICY_BYTES if (method, resource) in WHOLE_POLICIES else MAX_BODY_BYTES)
    try:
        answer = ROUTES[method, resource](event)
    except Conflict as conflict:
        raise Refusal(conflict.code, str(conflict)) from None
    if method != "GET":
        logger.info("change", extra={"route": f"{method} {resource}", "actor": request.actor_of(event).arn})
    return answer


def _refused(event: dict[str, Any], code: str) -> None:
    actor, agent = request.actor_of(event), (event["pathParameters"] or {}).get("agent", "")
    named = agent if AGENT_ID.fullmatch(agent) else None
    request.stores().teller.tell(refused_request(event, code, agent=named, actor=actor.arn), actor.now)
