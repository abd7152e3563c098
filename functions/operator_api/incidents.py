"""Incidents: an agent is cut off, what was done about it is read, and what is left is done again."""

from typing import Any

from functions.operator_api.request import actor_of, agent_of, existing, state_and_agent, stores
from portcullis.aws import incidents
from portcullis.aws.incident_recovery import Recovery
from portcullis.aws.proxy import Answer, header, json_answer, json_body, limit, parameter
from portcullis.domain.identifiers import check_idempotency_key
from portcullis.domain.incident_checklist import checklist, describe_items
from portcullis.domain.incident_requests import NewIncident
from portcullis.domain.incidents import BY_OPERATOR, INCIDENT_ID, OPEN, STATES, Incident, Trigger, describe

NO_SUCH_INCIDENT = "There is no such incident."


def _start(event: dict[str, Any]) -> Answer:
    wanted, actor = json_body(event, NewIncident), actor_of(event)
    key = header(event, "Idempotency-Key")
    reference = wanted.reference if key is None or wanted.reference else check_idempotency_key(key)
    trigger = Trigger(
        BY_OPERATOR, wanted.reason, actor.arn, actor.source_ip, actor.now, wanted.severity, reference=reference
    )
    return json_answer(201, describe(existing(incidents.contain(stores().table, agent_of(event), trigger))))


def _list(event: dict[str, Any]) -> Answer:
    state, agent = state_and_agent(event, STATES, OPEN)
    found, cursor = incidents.page(stores().table, state, agent, limit(event), parameter(event, "cursor"))
    return json_answer(200, {"incidents": [describe(incident) for incident in found], "cursor": cursor})


def _get(event: dict[str, Any]) -> Answer:
    return shown(event, incidents.find(stores().table, incident_of(event)))


def _resume(event: dict[str, Any]) -> Answer:
    return shown(event, incidents.resume(stores().table, actor_of(event), incident_of(event)))


def recovery() -> Recovery:
    """The way back, with the stores of this process."""
    own = stores()
    return Recovery(own.table, own.profiles, own.policies, own.stage)


def shown(event: dict[str, Any], incident: Incident | None) -> Answer:
    """An incident with what is left to do about it, or not_found."""
    found = existing(incident, NO_SUCH_INCIDENT)
    items = checklist(recovery().standing(found, actor_of(event).now))
    return json_answer(200, {**describe(found), "checklist": describe_items(items)})


def incident_of(event: dict[str, Any]) -> str:
    """The incident that the path names; empty where it cannot be one."""
    incident: str = event["pathParameters"]["incident"]
    return incident if INCIDENT_ID.fullmatch(incident) else ""


ROUTES = {
    ("POST", "/v1/agents/{agent}/incidents"): _start,
    ("GET", "/v1/incidents"): _list,
    ("GET", "/v1/incidents/{incident}"): _get,
    ("POST", "/v1/incidents/{incident}/resume"): _resume,
}
