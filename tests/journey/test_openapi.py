"""Both APIs, deployed, answer as their OpenAPI documents say, whatever they are sent."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from requests.auth import AuthBase
from schemathesis import Case
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import positive_data_acceptance

from portcullis.client.errors import InvalidRequestError
from portcullis.client.requests_auth import PortcullisRequestsAuth
from tests.journey.deployment import WALLET, Agent, Deployment, fresh
from tests.journey.described import AGENT_API, OPERATOR_API

REAL: dict[str, Any] = {
    "address": "203.0.113.7",
    "chain": "base",
    "contracts": [f"base:{WALLET}"],
    "destination": {"wallet": WALLET},
    "expires_at": "2199-01-01T00:00:00Z",
    "ip_ranges": ["203.0.113.0/24"],
    "public_key": None,
    "reviewed_at": "2199-01-01T00:00:00Z",
    "since": "1999-01-01T00:00:00Z",
    "token": "USDC",
    "until": "2199-01-01T00:00:00Z",
    "wallets": [f"base:{WALLET}"],
}
"""What takes the place of generated members of a body that fit their schema, and hardly ever are right."""
BEYOND_SCHEMAS = {
    "at": "an instant that exists",
    "body": "600.0 is an integer to a schema, and a fraction to the gateway",
    "cause": "printable",
    "cursor": "one that the API gave",
    "event": "this or an index, and not both",
    "first": "at most the size of the log, and of the second tree",
    "name": "printable",
    "reason": "printable",
    "reference": "printable",
    "memo": "printable, and bytes rather than characters",
    "second": "at most the size of the log",
    "since": "an instant that exists",
    "until": "an instant that exists",
    "policy": "its limits fit its trust",
    "limits": "few of parts, all of them together",
}
"""Where what fits its schema can still be malformed, and what it would have to be."""

SCOPES_OF = {
    "claim": ["transactions:claim"],
    "settle": ["transactions:claim"],
    "fail": ["transactions:claim"],
    "confirm": ["transactions:confirm"],
    "risk-decision": ["transactions:risk"],
}
"""What needs another agent than the transaction's own, with these scopes."""
TIERS_OF: dict[str, dict[str, str]] = {"claim": {}, "risk-decision": {"risk_from": "5"}}
"""What brings the transaction to the state in which the action is for it; otherwise a human has to approve it."""


@dataclass(frozen=True)
class Ground:
    """What the requests of one operation may name and change: an agent of its own, with one transaction and a draft;
    and ``caller``, whom its policy names as executor and risk agent."""

    agent: Agent
    caller: Agent
    transaction: dict[str, Any]

    def place(self, case: Case[Any]) -> None:
        """Have well-formed ids name what is there, and make what fits its schema right; the rest stays as it is."""
        known = {
            "agent": self.agent.agent_id,
            "key": self.agent.key_id,
            "id": self.transaction["id"],
            "token": "FUZZED",
            "version": "1",
        }
        for name, value in case.path_parameters.items():
            parameter = case.operation.path_parameters.get(name)
            if parameter and re.fullmatch(parameter.definition["schema"]["pattern"], str(value)):
                case.path_parameters[name] = known.get(name, value)
        if case.meta and case.meta.generation.mode.is_positive:
            if isinstance(case.body, dict):
                named = {name: self.transaction[name] for name in ("agent_id", "content_sha256")}
                case.body = real(case.body, {**REAL, **named, "transaction_id": self.transaction["id"]})
            if "Idempotency-Key" in case.headers or self._delivers(case):
                case.headers["Idempotency-Key"] = fresh("schema")

    def _delivers(self, case: Case[Any]) -> bool:
        """Whether a key is asked for that only an Idempotency-Key lets be delivered, which no schema can say."""
        return isinstance(case.body, dict) and case.body.get("deliver") is True


def real(body: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    return {
        name: known.get(name, real(value, known) if isinstance(value, dict) else value) for name, value in body.items()
    }


@pytest.fixture(scope="module")
def ground(deployment: Deployment) -> Callable[[Case[Any]], Ground]:
    """The ground of a case's operation."""

    @cache
    def of(action: str, path: str) -> Ground:
        rates = {name: {"per_minute": 60_000, "burst": 10_000} for name in ("rate", "call_rate")}
        caller = deployment.agent(rates, key={"scopes": SCOPES_OF.get(action)} if action in SCOPES_OF else None)
        named = {name: [caller.agent_id] for name in ("executors", "risk_agents")}
        agent = deployment.agent({**rates, **named, "tiers": TIERS_OF.get(action, {"human_above": "5"})})
        if "/policy/" in path:
            deployment.operator("PUT", f"/v1/agents/{agent.agent_id}/policy/draft", {"trust": "low"})
        return Ground(agent, caller if action in SCOPES_OF else agent, deployment.pay(agent).json())

    return lambda case: of(case.path.rpartition("/")[2], case.operation.label)


class AgentAuth(AuthBase):
    """Signs what can be signed. The rest is sent unsigned: it must be refused as well."""

    def __init__(self, agent: Agent) -> None:
        self._auth = PortcullisRequestsAuth(agent.key_id, agent.secret)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        try:
            return self._auth(request)
        except InvalidRequestError:
            return request


class OperatorAuth(AuthBase):
    """AWS Signature Version 4 for requests."""

    def __init__(self, description: dict[str, Any]) -> None:
        operator = description["operator"]
        credentials = Credentials(operator["access_key_id"], operator["secret_access_key"])
        self._signer = SigV4Auth(credentials, "execute-api", description["region"])

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        aws = AWSRequest(method=request.method, url=request.url, data=request.body)
        self._signer.add_auth(aws)
        request.headers.update(dict(aws.headers.items()))
        return request


@AGENT_API.parametrize()
def test_the_agent_api_answers_as_described(
    case: Case[Any], deployment: Deployment, ground: Callable[[Case[Any]], Ground]
) -> None:
    own = ground(case)
    own.place(case)
    answered(case, deployment.agent_url, AgentAuth(own.caller), own)


# A deployment has its first approver but once, and every journey shares this one: test_approvals enrols them. Nor may
# another journey's approver be locked or revoked, so the approvers named in paths are none that exist.
@OPERATOR_API.exclude(method="POST", path="/v1/approvers").parametrize()
def test_the_operator_api_answers_as_described(
    case: Case[Any], deployment: Deployment, ground: Callable[[Case[Any]], Ground]
) -> None:
    own = ground(case)
    own.place(case)
    answered(case, deployment.description["operator_url"], OperatorAuth(deployment.description), own)


def answered(case: Case[Any], url: str, auth: AuthBase, own: Ground) -> None:
    response = case.call(base_url=url, headers={"X-Forwarded-For": own.caller.address}, auth=auth)
    excused: list[Any] = [positive_data_acceptance] if is_beyond_schemas(response) else []
    case.validate_response(response, excluded_checks=excused)
    assert response.status_code < 500


def is_beyond_schemas(response: Response) -> bool:
    """Whether it refuses a field whose schema cannot say all."""
    return response.json().get("field", "").rpartition(".")[2] in BEYOND_SCHEMAS
