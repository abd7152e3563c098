"""The policy of an agent: read, publish."""

from typing import Any

from functions.operator_api.request import account_of, actor_of, agent_of, existing, stores
from portcullis.aws import agents
from portcullis.aws.proxy import Answer, if_match, json_answer, json_body
from portcullis.domain.account import Account
from portcullis.domain.operator_requests import describe_account
from portcullis.domain.policy_document import PolicyDocument
from portcullis.protocol.strict_json import parse_object


def _get_policy(event: dict[str, Any]) -> Answer:
    return _policy_answer(account_of(event))


def _put_policy(event: dict[str, Any]) -> Answer:
    document = json_body(event, PolicyDocument)
    account = agents.publish(
        stores().table,
        stores().policies,
        actor_of(event),
        agent_of(event),
        document,
        if_match(event),
    )
    return _policy_answer(existing(account))


def _policy_answer(account: Account) -> Answer:
    document = parse_object(stores().policies.text(account.policy_sha256))
    described = describe_account(account)
    body = {"version": account.policy_version, "sha256": described["policy_sha256"], "policy": document}
    return json_answer(200, body, {"ETag": f'"{account.policy_version}"'})


ROUTES = {
    ("GET", "/v1/agents/{agent}/policy"): _get_policy,
    ("PUT", "/v1/agents/{agent}/policy"): _put_policy,
}
