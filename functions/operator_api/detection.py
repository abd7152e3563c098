"""What detection finds and learns: findings explained and released, profiles read and reset."""

from typing import Any

from functions.operator_api.request import account_of, actor_of, agent_of, existing, state_and_agent, stores
from portcullis.aws import detection_changes, finding_lists, findings
from portcullis.aws.proxy import Answer, json_answer, json_body, limit, parameter
from portcullis.domain.detection.explaining import explain
from portcullis.domain.detection.findings import FINDING_ID, OPEN, STATES, describe
from portcullis.domain.detection.usual import describe_profile
from portcullis.domain.detection_requests import FindingRelease, ProfileReset

NO_SUCH_FINDING = "There is no such finding."


def _list_findings(event: dict[str, Any]) -> Answer:
    state, agent = state_and_agent(event, STATES, OPEN)
    found, cursor = finding_lists.page(stores().table, state, agent, limit(event), parameter(event, "cursor"))
    return json_answer(200, {"findings": [describe(finding) for finding in found], "cursor": cursor})


def _explain_finding(event: dict[str, Any]) -> Answer:
    return json_answer(200, explain(existing(findings.find(stores().table, _id(event)), NO_SUCH_FINDING)))


def _release_finding(event: dict[str, Any]) -> Answer:
    reason, actor = json_body(event, FindingRelease).reason, actor_of(event)
    released = detection_changes.release(stores().table, stores().profiles, actor, _id(event), reason)
    return json_answer(200, explain(existing(released, NO_SUCH_FINDING)))


def _get_profile(event: dict[str, Any]) -> Answer:
    return _profile_of(account_of(event).agent)


def _reset_profile(event: dict[str, Any]) -> Answer:
    reason, agent = json_body(event, ProfileReset).reason, agent_of(event)
    existing(detection_changes.reset(stores().table, stores().profiles, actor_of(event), agent, reason))
    return _profile_of(agent)


def _profile_of(agent: str) -> Answer:
    stored = detection_changes.read(stores().profiles, agent)
    return json_answer(200, describe_profile(agent, stored.profile if stored else None))


def _id(event: dict[str, Any]) -> str:
    finding: str = event["pathParameters"]["finding"]
    return finding if FINDING_ID.fullmatch(finding) else ""


ROUTES = {
    ("GET", "/v1/findings"): _list_findings,
    ("GET", "/v1/findings/{finding}"): _explain_finding,
    ("POST", "/v1/findings/{finding}/release"): _release_finding,
    ("GET", "/v1/agents/{agent}/profile"): _get_profile,
    ("POST", "/v1/agents/{agent}/profile/reset"): _reset_profile,
}
