"""Hands an agent's key out through Secrets Manager, and has it rotated there."""

import hashlib
from dataclasses import dataclass
from typing import Any

from portcullis.aws.changes import Conflict
from portcullis.aws.secrets_manager import SecretsManager
from portcullis.aws.wire import AwsError
from portcullis.domain.key_delivery import DeliveredKey, secret_name
from portcullis.domain.secret_rotation import CURRENT
from portcullis.domain.verification import KeyRecord

DESCRIPTION = "The key of an agent of Portcullis, which rotates it."
DELETED = "The agent's secret is marked for deletion. Restore it in Secrets Manager first."
NOTHING_DELIVERED = "The agent has no secret. Deliver a key first."
IN_PROGRESS = "A rotation of this secret is not complete. It is taken up again by itself within the hour."


class NoSecret(Conflict):
    """The agent has no secret that could be rotated."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """``function`` is the ARN of the function that rotates."""

    secrets: SecretsManager
    stage: str
    function: str

    def require_possible(self, agent: str) -> None:
        """Conflict when the agent's secret cannot take a key."""
        present = self.secrets.describe(secret_name(self.stage, agent))
        if present is not None and present.deleted:
            raise Conflict(DELETED)

    def deliver(self, record: KeyRecord, secret: str, token: str, rate: str | None) -> str:
        """Put an issued key into the one secret of its agent, and let it rotate at ``rate``, if at any; the secret's
        ARN. ``token`` is the version's id: again with it, nothing changes."""
        name, text = secret_name(self.stage, record.agent), DeliveredKey(record.key_id, record.agent, secret).text()
        present = self.secrets.describe(name)
        if present is None:
            arn = self.secrets.create(name, text, token, DESCRIPTION)
        else:
            arn = present.arn
            if token not in present.stages:
                self.secrets.put(arn, text, token, CURRENT)
        if rate and not (present and present.rotates and token in present.stages):
            first = hashlib.sha256(f"{token}\nrotation".encode()).hexdigest()
            self._start(arn, first, RotationRules={"ScheduleExpression": rate}, RotateImmediately=False)
        return arn

    def rotate_now(self, agent: str, token: str) -> str:
        """Start a rotation now; the secret's ARN. The new key is there when Secrets Manager has called the four steps,
        usually within seconds. ``token`` is its version's id: again with it, it is the same rotation."""
        present = self.secrets.describe(secret_name(self.stage, agent))
        if present is None or present.deleted:
            raise NoSecret(DELETED if present else NOTHING_DELIVERED)
        if token not in present.stages:
            self._start(present.arn, token, RotateImmediately=True)
        return present.arn

    def _start(self, arn: str, token: str, **settings: Any) -> None:
        try:
            self.secrets.rotate(arn, token, RotationLambdaARN=self.function, **settings)
        except AwsError as error:
            if error.code != "InvalidRequestException":
                raise
            raise Conflict(IN_PROGRESS) from None
