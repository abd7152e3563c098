"""The operator API's operations on incidents."""

from local.openapi import incident_answers as answers
from local.openapi.operation import Operation
from local.openapi.parts import PAGE
from portcullis.domain.incident_requests import NewIncident

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
)
