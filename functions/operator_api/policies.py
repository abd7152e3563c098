"""The policy of an agent: read, validate, draft, publish; its versions and what changed between them."""

from typing import Any

from functions.operator_api.request import account_of, actor_of, agent_of, existing, stores
from portcullis.aws import policy_drafts, policy_versions, publishing
from portcullis.aws.policy_drafts import Draft
from portcullis.aws.proxy import Answer, Refusal, header, if_match, json_answer, json_body, limit, parameter, text_body
from portcullis.domain import policy, policy_diff, policy_review
from portcullis.domain.account import Account
from portcullis.domain.operator_requests import describe_account
from portcullis.domain.policy_document import PolicyDocument, parse_document
from portcullis.domain.policy_requests import Publication, preset
from portcullis.protocol.strict_json import MalformedInput, parse_object

DRAFT = "draft"


def draft_of(account: Account) -> Draft:
    """The agent's draft, or not_found."""
    draft = policy_drafts.read(stores().table, account.agent)
    if draft is None:
        raise Refusal("not_found", policy_drafts.NO_DRAFT)
    return draft


def _get_policy(event: dict[str, Any]) -> Answer:
    return _policy_answer(account_of(event))


def _put_policy(event: dict[str, Any]) -> Answer:
    document = _document(event)
    account = publishing.publish(
        stores().table, stores().policies, actor_of(event), agent_of(event), document, if_match(event)
    )
    return _policy_answer(existing(account))


def _validate(event: dict[str, Any]) -> Answer:
    document = _document(event)
    sha256 = policy.text_sha256(document.text()).hex()
    return json_answer(
        200, {"sha256": sha256, **policy_review.review(document), "policy": parse_object(document.text())}
    )


def _get_preset(event: dict[str, Any]) -> Answer:
    trust = event["pathParameters"]["trust"]
    document = preset(trust)
    if document is None:
        raise Refusal("not_found", "There is no such trust level.")
    return json_answer(200, {"trust": trust, "policy": parse_object(document.text())})


def _get_draft(event: dict[str, Any]) -> Answer:
    return _draft_answer(draft_of(account_of(event)))


def _put_draft(event: dict[str, Any]) -> Answer:
    document = _document(event)
    replaced = None if header(event, "If-Match") is None else if_match(event)
    account = existing(
        policy_drafts.put(stores().table, stores().policies, actor_of(event), agent_of(event), document, replaced)
    )
    return _draft_answer(draft_of(account))


def _delete_draft(event: dict[str, Any]) -> Answer:
    account = policy_drafts.discard(stores().table, actor_of(event), agent_of(event), if_match(event))
    return json_answer(200, {"agent_id": existing(account).agent, "draft": None})


def _publish(event: dict[str, Any]) -> Answer:
    sha256 = bytes.fromhex(json_body(event, Publication).sha256)
    account = policy_drafts.publish(stores().table, actor_of(event), agent_of(event), sha256, if_match(event))
    return _policy_answer(existing(account))


def _list_versions(event: dict[str, Any]) -> Answer:
    agent = account_of(event).agent
    found, cursor = policy_versions.list_versions(stores().table, agent, limit(event), parameter(event, "cursor"))
    return json_answer(200, {"versions": [policy_versions.describe(each) for each in found], "cursor": cursor})


def _get_version(event: dict[str, Any]) -> Answer:
    version = _version(account_of(event), event["pathParameters"]["version"])
    document = parse_object(stores().policies.text(version.sha256))
    return json_answer(200, {**policy_versions.describe(version), "policy": document})


def _diff(event: dict[str, Any]) -> Answer:
    account = account_of(event)
    old, new = parameter(event, "from"), parameter(event, "to")
    old = str(account.policy_version) if old is None else old
    new = DRAFT if new is None else new
    found = policy_diff.diff(_text(account, "from", old), _text(account, "to", new))
    body = {"from": old, "to": new, "differences": [policy_diff.describe(each) for each in found]}
    return json_answer(200, body)


def _document(event: dict[str, Any]) -> PolicyDocument:
    """The policy in the body, which must not be missing: no policy is ever put by leaving one out."""
    return parse_document(parse_object(text_body(event)))


def _text(account: Account, field: str, name: str) -> str:
    if name == DRAFT:
        return stores().policies.text(draft_of(account).sha256)
    if not policy_versions.VERSION.fullmatch(name):
        raise MalformedInput(field, "a version such as 3, or draft")
    return stores().policies.text(_version(account, name).sha256)


def _version(account: Account, text: str) -> policy_versions.Version:
    found = None
    if policy_versions.VERSION.fullmatch(text):
        found = policy_versions.read(stores().table, account.agent, int(text))
    if found is None:
        raise Refusal("not_found", "This agent's policy has no such version.")
    return found


def _draft_answer(draft: Draft) -> Answer:
    document = parse_document(parse_object(stores().policies.text(draft.sha256)))
    shown = {**policy_drafts.describe(draft), **policy_review.review(document), "policy": parse_object(document.text())}
    return json_answer(200, shown, {"ETag": f'"{draft.rev}"'})


def _policy_answer(account: Account) -> Answer:
    body = {
        "version": account.policy_version,
        "sha256": describe_account(account)["policy_sha256"],
        "protection": policy_review.protection(stores().policies.get(account.policy_sha256)),
        "policy": parse_object(stores().policies.text(account.policy_sha256)),
    }
    return json_answer(200, body, {"ETag": f'"{account.policy_version}"'})


ROUTES = {
    ("GET", "/v1/agents/{agent}/policy"): _get_policy,
    ("PUT", "/v1/agents/{agent}/policy"): _put_policy,
    ("POST", "/v1/policies/validate"): _validate,
    ("GET", "/v1/policies/presets/{trust}"): _get_preset,
    ("GET", "/v1/agents/{agent}/policy/draft"): _get_draft,
    ("PUT", "/v1/agents/{agent}/policy/draft"): _put_draft,
    ("DELETE", "/v1/agents/{agent}/policy/draft"): _delete_draft,
    ("POST", "/v1/agents/{agent}/policy/publish"): _publish,
    ("GET", "/v1/agents/{agent}/policy/versions"): _list_versions,
    ("GET", "/v1/agents/{agent}/policy/versions/{version}"): _get_version,
    ("GET", "/v1/agents/{agent}/policy/diff"): _diff,
}

WHOLE_POLICIES = {
    ("PUT", "/v1/agents/{agent}/policy"),
    ("PUT", "/v1/agents/{agent}/policy/draft"),
    ("POST", "/v1/policies/validate"),
}
"""Routes whose body is a policy, which is larger than others."""
