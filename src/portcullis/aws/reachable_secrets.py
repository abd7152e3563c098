"""The rotation of what an agent could reach: secrets that the team has tagged, each by its own rotation.

Only names, tags and stages are read. What a secret holds is between its owner and its rotation function.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from portcullis.aws.secrets_manager import SecretsManager
from portcullis.aws.wire import AwsError, Unavailable
from portcullis.domain.reachable_secrets import TAG, is_reachable, is_rotated, token_of, unstaging
from portcullis.domain.secret_rotation import PENDING, Secret

WAITS, PAUSE_SECONDS = 10, 1.0
MOST_NAMED, MOST_NAME, MOST_TOLD = 8, 64, 250
FAULTS = (AwsError, Unavailable)
UNDER_WAY = "InvalidRequestException"
"""Of a call to rotate what has a pending version."""


class NotRotated(Exception):
    """Some secrets are not rotated yet. The message says which and why, and holds none of them."""


class ReachableSecrets:
    """``own_prefix`` begins the names of the agents' own keys, which an incident ends and nobody rotates."""

    def __init__(self, secrets: SecretsManager, own_prefix: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._secrets = secrets
        self._own_prefix = own_prefix
        self._sleep = sleep

    def rotate(self, agent: str, incident: str) -> dict[str, Any]:
        """Rotate them, once for an incident, and wait for it; those that were, and those that a person has to change by
        hand because nothing rotates them. NotRotated where one fails or takes longer; the others are done by then."""
        token = token_of(incident)
        found = [secret for secret in self._secrets.tagged(TAG) if self._concerns(secret, agent)]
        rotating = [secret for secret in found if secret.rotates]
        left = {secret.name: why for secret in rotating if (why := self._begin(secret, token))}
        left |= self._wait([secret for secret in rotating if secret.name not in left], token)
        by_hand = [secret for secret in found if not secret.rotates]
        if left:
            told = [f"{name[:MOST_NAME]}: {why}" for name, why in list(left.items())[:MOST_NAMED]]
            told += [f"to change by hand: {secret.name[:MOST_NAME]}" for secret in by_hand[:MOST_NAMED]]
            remedy = self._remedy([secret for secret in rotating if secret.name in left])
            raise NotRotated("; ".join(told)[:MOST_TOLD] + remedy)
        return {**_named("rotated", rotating), **_named("by_hand", by_hand)}

    def _concerns(self, secret: Secret, agent: str) -> bool:
        return is_reachable(secret, agent) and not secret.name.startswith(self._own_prefix)

    def _begin(self, secret: Secret, token: str) -> str | None:
        """Why its rotation could not be started, or None. One that is under way is asked for again, for it may have
        been given up: Secrets Manager refuses that, and says that it tries it again."""
        pending = False
        try:
            present = self._secrets.describe(secret.arn)
            if present and not is_rotated(present, token):
                pending = PENDING in present.stages.get(token, ())
                self._secrets.rotate(secret.arn, token)
        except FAULTS as fault:
            if not (pending and isinstance(fault, AwsError) and fault.code == UNDER_WAY):
                return str(fault)
        return None

    def _remedy(self, left: list[Secret]) -> str:
        """What to run for the first of those where a version stands in the way."""
        for secret in left:
            with suppress(*FAULTS):
                present = self._secrets.describe(secret.arn)
                if present and (command := unstaging(present)):
                    return f". If it was given up, mend it, run this, and resume: {command}"
        return ""

    def _wait(self, started: list[Secret], token: str) -> dict[str, str]:
        """What is not rotated after a while, by name."""
        for attempt in range(WAITS):
            if attempt:
                self._sleep(PAUSE_SECONDS)
            started = [secret for secret in started if not self._is_rotated(secret, token)]
            if not started:
                break
        return {secret.name: "its rotation is not complete" for secret in started}

    def _is_rotated(self, secret: Secret, token: str) -> bool:
        present = self._secrets.describe(secret.arn)
        return present is None or is_rotated(present, token)


def _named(what: str, secrets: list[Secret]) -> dict[str, Any]:
    """How many, and the first of their names."""
    return {what: [secret.name[:MOST_NAME] for secret in secrets[:MOST_NAMED]], f"{what}_in_all": len(secrets)}
