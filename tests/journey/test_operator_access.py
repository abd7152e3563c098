"""Who may operate: IAM decides, on the operator API and on every table and key behind it."""

import json
from typing import Any

import boto3
import httpx
import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from portcullis.aws.operator_signing import OperatorAuth
from tests.journey.deployment import Deployment


def auth_of(deployment: Deployment, access_key: dict[str, Any]) -> OperatorAuth:
    credentials = Credentials(access_key["AccessKeyId"], access_key["SecretAccessKey"])
    return OperatorAuth(credentials, deployment.description["region"])


def test_an_unsigned_call_is_refused(deployment: Deployment) -> None:
    answer = httpx.get(deployment.description["operator_url"] + "/v1/agents")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_wrong_signature_is_refused(deployment: Deployment) -> None:
    operator = deployment.description["operator"]
    wrong = auth_of(deployment, {"AccessKeyId": operator["access_key_id"], "SecretAccessKey": "x" * 40})
    assert deployment.operator("GET", "/v1/agents", auth=wrong).status_code == 403


def test_a_user_without_the_permission_is_refused(deployment: Deployment) -> None:
    iam = deployment.root("iam")
    iam.create_user(UserName="bystander")
    try:
        key = iam.create_access_key(UserName="bystander")["AccessKey"]
        assert deployment.operator("GET", "/v1/agents", auth=auth_of(deployment, key)).status_code == 403
        iam.delete_access_key(UserName="bystander", AccessKeyId=key["AccessKeyId"])
    finally:
        iam.delete_user(UserName="bystander")


def test_the_operator_may_invoke_the_operator_api_and_nothing_else(deployment: Deployment) -> None:
    operator = deployment.description["operator"]
    session = boto3.Session(operator["access_key_id"], operator["secret_access_key"])
    options = {"endpoint_url": deployment.description["endpoint_url"], "region_name": "us-east-1"}
    with pytest.raises(ClientError, match="AccessDenied"):
        session.client("dynamodb", **options).scan(TableName=deployment.outputs["CoreTable"])
    with pytest.raises(ClientError, match="AccessDenied"):
        session.client("kms", **options).generate_mac(
            KeyId=deployment.outputs["MacKeyArn"], Message=b"x", MacAlgorithm="HMAC_SHA_256"
        )


def test_the_agents_key_does_not_open_the_operator_api(deployment: Deployment) -> None:
    agent = deployment.agent()
    headers = deployment.sign(agent, "GET", "/v1/agents").headers
    answer = httpx.get(deployment.description["operator_url"] + "/v1/agents", headers=dict(headers))
    assert answer.status_code == 403


def test_the_secret_is_shown_once_and_stored_nowhere(deployment: Deployment) -> None:
    agent = deployment.agent()
    listed = deployment.operator("GET", f"/v1/agents/{agent.agent_id}/keys")
    assert [key["key_id"] for key in listed.json()["keys"]] == [agent.key_id]
    assert agent.secret not in listed.text
    assert agent.secret not in json.dumps(deployment.scan("CoreTable"), default=str)


def test_a_role_that_iam_allows_everything_cannot_derive_secrets(deployment: Deployment) -> None:
    iam = deployment.root("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    arn = iam.create_role(RoleName="administrator", AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    granted = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_role_policy(RoleName="administrator", PolicyName="everything", PolicyDocument=granted)
    try:
        session = deployment.root("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        kms = boto3.client(
            "kms",
            endpoint_url=deployment.description["endpoint_url"],
            region_name="us-east-1",
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )
        assert kms.describe_key(KeyId=deployment.outputs["MacKeyArn"])
        with pytest.raises(ClientError, match="AccessDenied"):
            kms.generate_mac(KeyId=deployment.outputs["MacKeyArn"], Message=b"x", MacAlgorithm="HMAC_SHA_256")
    finally:
        iam.delete_role_policy(RoleName="administrator", PolicyName="everything")
        iam.delete_role(RoleName="administrator")
