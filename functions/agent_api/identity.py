"""Who the gateway takes a key for."""

from typing import Any

from functions.agent_api.request import stores
from portcullis.aws.proxy import Answer, Refusal, json_answer
from portcullis.domain.record import Principal


def _whoami(_event: dict[str, Any], principal: Principal) -> Answer:
    account = stores().ledger.account(principal.agent)
    if account is None:
        raise Refusal("invalid_credentials")
    described = {
        "agent_id": principal.agent,
        "name": account.name,
        "state": account.state,
        "key_id": principal.key_id,
        "scopes": sorted(principal.scopes),
        "policy_version": account.policy_version,
    }
    return json_answer(200, described)


ROUTES = {("GET", "/v1/whoami"): _whoami}
