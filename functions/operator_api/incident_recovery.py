"""How an incident ends: one approver reviews, another one confirms, and somebody says what it was."""

from typing import Any

from functions.operator_api.codes import presented_by
from functions.operator_api.incidents import incident_of, recovery, shown
from functions.operator_api.request import actor_of, stores
from portcullis.aws import incident_closing
from portcullis.aws.proxy import Answer, json_body
from portcullis.domain.incident_requests import Closing, IncidentReview, RecoveryConfirmation
from portcullis.domain.incidents import Review


def _review(event: dict[str, Any]) -> Answer:
    wanted, actor = json_body(event, IncidentReview), actor_of(event)
    presented = presented_by(event, wanted.code)
    review = Review(presented.approver.id, actor.now, wanted.cause, wanted.policy_version, wanted.addresses)
    return shown(event, recovery().review(actor, wanted.incident_id, review, presented))


def _confirm(event: dict[str, Any]) -> Answer:
    wanted = json_body(event, RecoveryConfirmation)
    presented = presented_by(event, wanted.code)
    return shown(event, recovery().confirm(actor_of(event), wanted.incident_id, wanted.reviewed_at, presented))


def _close(event: dict[str, Any]) -> Answer:
    wanted, own = json_body(event, Closing), stores()
    return shown(
        event,
        incident_closing.close(
            own.table, own.profiles, actor_of(event), incident_of(event), wanted.outcome, wanted.reason
        ),
    )


ROUTES = {
    ("POST", "/v1/approvers/{approver}/incident-reviews"): _review,
    ("POST", "/v1/approvers/{approver}/recoveries"): _confirm,
    ("POST", "/v1/incidents/{incident}/close"): _close,
}
