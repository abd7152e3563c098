"""The operator API's operations on incidents."""

from local.openapi import incident_answers as answers
from local.openapi.operation import Operation
from local.openapi.operator_approvals import CODE
from local.openapi.parts import PAGE
from portcullis.domain.incident_requests import Closing, IncidentReview, NewIncident, RecoveryConfirmation

INCIDENT = "in_7N42dgm5tFLK9N8MT7fHC7"

INCIDENTS = (
    Operation(
        name="start_incident",
        method="POST",
        path="/v1/agents/{agent}/incidents",
        summary="Cut an agent off, in one write, or join the incident that it has open",
        parameters=("retry_key",),
        body=NewIncident,
        example={"reason": "key found in a public repository", "severity": 8},
        answers={201: answers.Incident},
        codes=("not_found",),
    ),
    Operation(
        name="list_incidents",
        method="GET",
        path="/v1/incidents",
        summary="List incidents, the open ones unless another state is given",
        parameters=("incident_state", "of_agent", *PAGE),
        answers={200: answers.Incidents},
    ),
    Operation(
        name="get_incident",
        method="GET",
        path="/v1/incidents/{incident}",
        summary="Read what was done about an incident, and what is left with the commands that do it",
        answers={200: answers.IncidentWithChecklist},
        codes=("not_found",),
    ),
    Operation(
        name="resume_incident",
        method="POST",
        path="/v1/incidents/{incident}/resume",
        summary="Have the steps done again that failed or were never reported",
        answers={200: answers.IncidentWithChecklist},
        codes=("not_found",),
    ),
    Operation(
        name="review_incident",
        method="POST",
        path="/v1/approvers/{approver}/incident-reviews",
        summary="Say that the cause is known and the allowlists are right, before an agent comes back",
        body=IncidentReview,
        example={
            "incident_id": INCIDENT,
            "code": CODE,
            "cause": "key in a public repository",
            "policy_version": 3,
            "addresses": "keep",
        },
        answers={200: answers.IncidentWithChecklist},
        codes=("not_found", "state_conflict"),
    ),
    Operation(
        name="recover_agent",
        method="POST",
        path="/v1/approvers/{approver}/recoveries",
        summary="Bring an agent back at low trust, as another person than the one who reviewed",
        body=RecoveryConfirmation,
        example={"incident_id": INCIDENT, "code": CODE, "reviewed_at": "2030-01-31T09:30:00.000Z"},
        answers={200: answers.IncidentWithChecklist},
        codes=("not_found", "state_conflict"),
    ),
    Operation(
        name="close_incident",
        method="POST",
        path="/v1/incidents/{incident}/close",
        summary="Say what an incident was, and end its findings with it",
        body=Closing,
        example={"outcome": "compromise", "reason": "the key was used by somebody else"},
        answers={200: answers.IncidentWithChecklist},
        codes=("not_found", "state_conflict"),
    ),
)
