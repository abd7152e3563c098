"""AWS_IAM methods: the signature, the permission, and whom the function is told about."""

import json

import pytest

from tests.local.conftest import REGION, Deployed

PATH = "/local/agents"


@pytest.fixture(scope="module")
def users(deployed: Deployed) -> dict[str, tuple[str, str]]:
    """A user who may call the operator API and one who may not."""
    iam = deployed.client("iam")
    resource = f"arn:aws:execute-api:{REGION}:000000000000:{deployed.outputs['OperatorApiId']}/local/*"
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    credentials = {}
    for name in ("permitted", "stranger"):
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        credentials[name] = (key["AccessKeyId"], key["SecretAccessKey"])
    iam.put_user_policy(UserName="permitted", PolicyName="invoke", PolicyDocument=policy)
    return credentials


def test_permitted_caller_is_named(deployed: Deployed, users: dict[str, tuple[str, str]]) -> None:
    answer = deployed.operator("POST", PATH + "?b=2&a=1", users["permitted"], b'{"x":1}')
    assert answer.status == 200
    identity = answer.json()["event"]["requestContext"]["identity"]
    assert identity["userArn"] == "arn:aws:iam::000000000000:user/permitted"
    assert identity["accessKey"] == users["permitted"][0]


def test_caller_without_permission(deployed: Deployed, users: dict[str, tuple[str, str]]) -> None:
    answer = deployed.operator("GET", PATH, users["stranger"])
    assert (answer.status, answer.json()) == (403, {"code": "forbidden"})
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["permitted", "stranger"])
def test_wrong_secret(deployed: Deployed, users: dict[str, tuple[str, str]], name: str) -> None:
    answer = deployed.operator("GET", PATH, (users[name][0], "x" * 40))
    assert (answer.status, answer.json()) == (403, {"code": "bad_signature"})


def test_altered_request(deployed: Deployed, users: dict[str, tuple[str, str]]) -> None:
    answer = deployed.operator("GET", PATH, users["permitted"], tamper="?admin=1")
    assert (answer.status, answer.json()) == (403, {"code": "bad_signature"})


@pytest.mark.parametrize("credentials", [("test", "test"), ("000000000000", "x"), ("AKIAUNKNOWNUNKNOWN00", "x" * 40)])
def test_a_key_that_proves_nothing(deployed: Deployed, credentials: tuple[str, str]) -> None:
    assert deployed.operator("GET", PATH, credentials).status == 403


def test_no_signature(deployed: Deployed) -> None:
    answer = deployed.operator("GET", PATH, None)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "MissingAuthenticationTokenException")


def test_a_role_without_permission(deployed: Deployed) -> None:
    role = deployed.outputs["ReaderRole"]
    session = deployed.client("sts").assume_role(RoleArn=role, RoleSessionName="forged")["Credentials"]
    answer = deployed.operator("GET", PATH, (session["AccessKeyId"], session["SecretAccessKey"]))
    assert answer.status == 403
