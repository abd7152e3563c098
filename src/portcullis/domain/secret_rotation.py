"""Secrets Manager's four steps, for any kind of secret: what a call asks for, and whether it is still to be done.

Calls come repeated, late and out of order. The stages of the version that a call names tell where its rotation stands.
Source: AWS Secrets Manager, "Lambda rotation functions".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

CREATE, SET, TEST, FINISH = STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
_ID = re.compile(r"[\x21-\x7e]{1,2048}", re.ASCII)


class RefusedStep(Exception):
    """The step cannot be done now. The message says why and never holds a secret."""


class Abandoned(RefusedStep):
    """This version can never become current. It has to go, so that the next rotation gets one of its own."""


class Postponed(RefusedStep):
    """The step has to wait for something that is nobody's fault, and is then done."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a rotation function: the ``step``, the ARN of the ``secret``, and the version's ``token``."""

    step: str
    secret: str
    token: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret as DescribeSecret tells it: ``stages`` by version, ``tags`` by key."""

    arn: str
    name: str
    rotates: bool
    deleted: bool
    stages: Mapping[str, frozenset[str]]
    tags: Mapping[str, str] = field(default_factory=dict)

    def staged(self, stage: str) -> str | None:
        """The version that has this stage."""
        return next((token for token, stages in self.stages.items() if stage in stages), None)


class Kind(Protocol):
    """What differs from one kind of secret to the next. Each step may come again after it succeeded."""

    def create(self, secret: Secret, token: str, current: str) -> str:
        """The text of the new version, from the current one's; nothing else changes yet."""
        ...

    def set(self, secret: Secret, token: str, current: str, pending: str) -> None:
        """Make what ``pending`` holds valid, beside what is."""
        ...

    def test(self, secret: Secret, pending: str) -> None:
        """Use ``pending`` as its owner will."""
        ...

    def finish(self, secret: Secret, current: str) -> None:
        """``current`` is handed out from now on: let what it replaces end."""
        ...


def parse_call(event: Mapping[str, Any]) -> Call:
    """What Secrets Manager sends; RefusedStep when it is something else."""
    step, secret, token = (event.get(name) for name in ("Step", "SecretId", "ClientRequestToken"))
    if step not in STEPS:
        raise RefusedStep(f"Step: expected one of {', '.join(STEPS)}")
    for name, text in (("SecretId", secret), ("ClientRequestToken", token)):
        if not isinstance(text, str) or not _ID.fullmatch(text):
            raise RefusedStep(f"{name}: expected text without spaces")
    return Call(str(step), str(secret), str(token))


def is_due(secret: Secret | None, call: Call) -> bool:
    """Whether the step is to be done; False when the version is current already.

    finishSecret is done again even then: it may have stopped half-way. RefusedStep when the secret is in no state for
    it."""
    if secret is None or secret.deleted:
        raise RefusedStep("the secret is deleted, or was never there")
    if not secret.rotates:
        raise RefusedStep("rotation is not enabled for the secret")
    stages = secret.stages.get(call.token)
    if stages is None:
        raise RefusedStep("the secret has no version with this token")
    if CURRENT in stages:
        return call.step == FINISH
    if PENDING not in stages:
        raise RefusedStep("the version is not staged AWSPENDING")
    return True
