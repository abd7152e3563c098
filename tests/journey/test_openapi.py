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
    "chain": "base",
    "destination": {"wallet": WALLET},
    "expires_at": "2199-01-01T00:00:00Z",
    "ip_ranges": ["203.0.113.0/24"],
    "public_key": None,
    "token": "USDC",
    "until": "2199-01-01T00:00:00Z",
    "wallets": [f"base:{WALLET}"],
}
"""What takes the place of generated members of a body that fit their schema, and hardly ever are right."""
BEYOND_SCHEMAS = {
    "body": "600.0 is an integer to a schema, and a fraction to the gateway",
    "cursor": "one that the API gave",
    "name": "printable",
    "reason": "printable",
    "memo": "printable, and bytes rather than characters",
}
"""Where what fits its schema can still be malformed, and what it would have to be."""


@dataclass(frozen=True)
class Ground:
    """What the requests of one operation may name and change: an agent of its own, with one transaction."""

    agent: Agent
    transaction: str

    def place(self, case: Case[Any]) -> None:
        """Have well-formed ids name what is there, and make what fits its schema right; the rest stays as it is."""
        known = {"agent": self.agent.agent_id, "key": self.agent.key_id, "id": self.transaction, "token": "FUZZED"}
        for name, value in case.path_parameters.items():
            parameter = case.operation.path_parameters.get(name)
            if parameter and re.fullmatch(parameter.definition["schema"]["pattern"], str(value)):
                case.path_parameters[name] = known[name]
        if case.meta and case.meta.generation.mode.is_positive:
            if isinstance(case.body, dict):
                case.body = real(case.body)
            if "Idempotency-Key" in case.headers:
                case.headers["Idempotency-Key"] = fresh("schema")


def real(body: dict[str, Any]) -> dict[str, Any]:
    return {name: REAL.get(name, real(value) if isinstance(value, dict) else value) for name, value in body.items()}


@pytest.fixture(scope="module")
def ground(deployment: Deployment) -> Callable[[Case[Any]], Ground]:
    """The ground of a case's operation."""

    @cache
    def of(_label: str) -> Ground:
        rate = {"per_minute": 60_000, "burst": 10_000}
        agent = deployment.agent({"rate": rate, "call_rate": rate, "tiers": {"human_above": "5"}})
        return Ground(agent, deployment.pay(agent).json()["id"])

    return lambda case: of(case.operation.label)


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
    answered(case, deployment.agent_url, AgentAuth(own.agent), own)


@OPERATOR_API.parametrize()
def test_the_operator_api_answers_as_described(
    case: Case[Any], deployment: Deployment, ground: Callable[[Case[Any]], Ground]
) -> None:
    own = ground(case)
    own.place(case)
    answered(case, deployment.description["operator_url"], OperatorAuth(deployment.description), own)


def answered(case: Case[Any], url: str, auth: AuthBase, own: Ground) -> None:
    response = case.call(base_url=url, headers={"X-Forwarded-For": own.agent.address}, auth=auth)
    excused: list[Any] = [positive_data_acceptance] if is_beyond_schemas(response) else []
    case.validate_response(response, excluded_checks=excused)
    assert response.status_code < 500


def is_beyond_schemas(response: Response) -> bool:
    """Whether it refuses a field whose schema cannot say all."""
    return response.json().get("field", "").rpartition(".")[2] in BEYOND_SCHEMAS
