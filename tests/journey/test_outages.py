"""A store that cannot be used: the gateway answers 503 and approves nothing. The outage is a denial in IAM."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.journey.deployment import Deployment


@contextmanager
def without_dynamodb(deployment: Deployment, function: str) -> Iterator[None]:
    """The function's role loses DynamoDB for a while."""
    role = deployment.role_of(function).rsplit("/", 1)[1]
    iam = deployment.root("iam")
    statement = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="outage", PolicyDocument=document)
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="outage")


def test_an_authorizer_without_its_store_fails_closed(deployment: Deployment) -> None:
    agent = deployment.agent()
    with without_dynamodb(deployment, "Authorizer"):
        answer = deployment.pay(agent)
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "application/problem+json"
    assert deployment.transactions(agent) == []
    assert deployment.pay(agent).status_code == 201


def test_an_agent_api_without_its_store_fails_closed(deployment: Deployment) -> None:
    agent = deployment.agent()
    assert deployment.pay(agent).status_code == 201
    with without_dynamodb(deployment, "AgentFunction"):
        answer = deployment.pay(agent)
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert len(deployment.transactions(agent)) == 1
