"""People who approve, each with their own AWS credentials and device."""

import json
import time
from base64 import b32decode
from typing import Any

import httpx

from local.aws import REGION
from local.deploy import ACCOUNT, STAGE
from portcullis.aws import approvers
from portcullis.aws.dynamo import to_attributes
from portcullis.aws.operator_signing import Credentials, OperatorAuth
from portcullis.protocol import totp
from tests.journey.deployment import Agent, Deployment, fresh


class Person:
    """An IAM user with a device, who may speak for one approver and no other."""

    def __init__(self, deployment: Deployment, name: str) -> None:
        self.deployment = deployment
        self.name = f"{name}-{fresh('x')[2:10]}"
        self.iam = deployment.root("iam")
        self.arn: str = self.iam.create_user(UserName=self.name)["User"]["Arn"]
        key = self.iam.create_access_key(UserName=self.name)["AccessKey"]
        self.key_id: str = key["AccessKeyId"]
        self.credentials = Credentials(self.key_id, key["SecretAccessKey"])
        self.auth = OperatorAuth(self.credentials, REGION)
        self.approver = ""
        self.secret = b""
        self.step = 0

    def allow(self, *paths: str) -> None:
        """Let this user call these methods of the operator API, and nothing else."""
        api = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{self.deployment.outputs['OperatorApiId']}/{STAGE}"
        statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": [f"{api}/{path}" for path in paths]}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam.put_user_policy(UserName=self.name, PolicyName="approve", PolicyDocument=document)

    def code(self) -> str:
        """A code that was not used yet. Those of three steps are accepted, so this may wait for the next."""
        deadline = time.monotonic() + 4 * totp.PERIOD_SECONDS
        self.step = max(self.step + 1, totp.step_at(int(time.time())) - totp.SKEW)
        while self.step > totp.step_at(int(time.time())) + totp.SKEW:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        return totp.code(self.secret, self.step)

    def forget_codes(self) -> None:
        """Let the codes of this half minute be good again, so that nobody has to wait for the next."""
        self.step = 0
        self.deployment.root("dynamodb").update_item(
            TableName=self.deployment.outputs["CoreTable"],
            Key=to_attributes(approvers.primary_key(self.approver)),
            UpdateExpression="SET last_step = :none",
            ExpressionAttributeValues={":none": {"N": "0"}},
        )

    def speak(self, what: str, **body: Any) -> httpx.Response:
        """POST to a path of the approver, with a fresh code."""
        path = f"/v1/approvers/{self.approver}/{what}"
        return self.deployment.operator("POST", path, {**body, "code": self.code()}, auth=self.auth)

    def activate(self, approver: str) -> "Person":
        """Set up the device of an enrolment."""
        self.approver = approver
        self.allow(f"POST/v1/approvers/{approver}/*", "GET/v1/agents/*")
        shown = self.deployment.operator("POST", f"/v1/approvers/{approver}/device", {}, auth=self.auth)
        assert shown.status_code == 200, shown.text
        self.secret = b32decode(shown.json()["secret"])
        assert self.speak("confirm").json()["state"] == "active"
        return self

    def approve(self, agent: Agent, held: dict[str, Any]) -> httpx.Response:
        """Approve what was held."""
        names = {"transaction_id": held["id"], "content_sha256": held["content_sha256"]}
        return self.speak("approvals", agent_id=agent.agent_id, **names)

    def leave(self) -> None:
        """Remove the user."""
        self.iam.delete_access_key(UserName=self.name, AccessKeyId=self.key_id)
        self.iam.delete_user_policy(UserName=self.name, PolicyName="approve")
        self.iam.delete_user(UserName=self.name)
