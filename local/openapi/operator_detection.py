"""The operator API's operations on what detection finds, learns and blocks."""

from local.openapi import detection_answers as answers
from local.openapi.operation import Operation
from local.openapi.parts import PAGE
from portcullis.domain.detection_requests import FindingRelease, ProfileReset, Unblocking

FINDINGS = (
    Operation(
        name="list_findings",
        method="GET",
        path="/v1/findings",
        summary="List findings, the open ones unless another state is given",
        parameters=("finding_state", "of_agent", *PAGE),
        answers={200: answers.Findings},
    ),
    Operation(
        name="explain_finding",
        method="GET",
        path="/v1/findings/{finding}",
        summary="Read why a finding was made, what it rests on, and what to do next",
        answers={200: answers.ExplainedFinding},
        codes=("not_found",),
    ),
    Operation(
        name="release_finding",
        method="POST",
        path="/v1/findings/{finding}/release",
        summary="Say that it was legitimate, so that the agent's profile learns it",
        body=FindingRelease,
        example={"reason": "new supplier, announced by the team"},
        answers={200: answers.ExplainedFinding},
        codes=("not_found", "state_conflict"),
    ),
)
PROFILES = (
    Operation(
        name="get_profile",
        method="GET",
        path="/v1/agents/{agent}/profile",
        summary="Read what is usual for an agent",
        answers={200: answers.Profile},
        codes=("not_found",),
    ),
    Operation(
        name="reset_profile",
        method="POST",
        path="/v1/agents/{agent}/profile/reset",
        summary="Forget what is usual for an agent, when its purpose has changed",
        body=ProfileReset,
        example={"reason": "pays salaries from now on"},
        answers={200: answers.Profile},
        codes=("not_found",),
    ),
)
SOURCES = (
    Operation(
        name="list_sources",
        method="GET",
        path="/v1/sources",
        summary="List the source addresses that are blocked, the last to end first",
        answers={200: answers.BlockedSources},
    ),
    Operation(
        name="unblock_source",
        method="POST",
        path="/v1/sources/unblock",
        summary="Let a blocked address send again before its time, within a minute",
        body=Unblocking,
        example={"address": "203.0.113.7", "reason": "an office behind one address"},
        answers={200: answers.UnblockedSource},
    ),
)
DETECTION = (*FINDINGS, *PROFILES, *SOURCES)
