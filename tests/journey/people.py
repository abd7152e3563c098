"""People who approve, each with their own AWS credentials and device."""

from typing import Any

import httpx

from local.aws import REGION
from portcullis.aws import approvers
from portcullis.aws.dynamo import to_attributes
from portcullis.aws.operator_signing import OperatorAuth
from portcullis.cli.responders import Responder
from tests.journey.deployment import Agent, Deployment


class Person:
    """An IAM user with a device, who may speak for one approver and no other."""

    def __init__(self, deployment: Deployment, responder: Responder) -> None:
        self.deployment = deployment
        self.responder = responder
        self.approver = responder.approver_id
        self.secret = responder.secret
        self.auth = OperatorAuth(responder.credentials, REGION)

    def code(self) -> str:
        """A code that was not used yet. Those of three steps are accepted, so this may wait for the next."""
        return self.responder.code()

    def forget_codes(self) -> None:
        """Let the codes of this half minute be good again, so that nobody has to wait for the next."""
        self.responder.last_step = 0
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

    def approve(self, agent: Agent, held: dict[str, Any]) -> httpx.Response:
        """Approve what was held."""
        names = {"transaction_id": held["id"], "content_sha256": held["content_sha256"]}
        return self.speak("approvals", agent_id=agent.agent_id, **names)
