"""Approvers: enrolled people, each with a one-time code of their own, bound to the AWS identity that they call with.

    pending ─ confirm (a code of the enrolled device) ─> active ─ revoke (another approver's code) ─> revoked

The identity is what a caller cannot choose: an IAM user, or a role without the name that its session was given. The
code tells the persons of one role apart.
"""

import re
from dataclasses import dataclass
from typing import Any

from portcullis.domain import times
from portcullis.protocol import base62

ENROLMENT_LIFETIME = times.HOUR
"""How long an enrolment waits for its device; an unconfirmed first one then no longer bars another bootstrap."""
MAX_ATTEMPTS = 5
LOCK = 900 * times.SECOND
MAX_APPROVERS = 200
APPROVER_ID = re.compile(r"ap_[0-9A-Za-z]{22}", re.ASCII)

_NAME = "[A-Za-z0-9_+=,.@-]{1,64}"
_USER = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:user/[!-~]{1,600}", re.ASCII)
_ROLE = re.compile(rf"(arn:[a-z-]+):iam::([0-9]{{12}}):role/(?:[!-~]{{1,512}}/)?({_NAME})", re.ASCII)
_SESSION = re.compile(rf"(arn:[a-z-]+):sts::([0-9]{{12}}):assumed-role/({_NAME})/{_NAME}", re.ASCII)
IDENTITY_SCHEMA = {"pattern": f"^({'|'.join(form.pattern for form in (_USER, _ROLE, _SESSION))})$"}


@dataclass(frozen=True, slots=True)
class Approver:
    """As stored. ``last_step`` is that of the last code used, ``attempts`` counts codes tried since a right one.

    ``shown_sha256`` names the call that was shown the secret, at ``shown_at``; instants are microseconds.
    """

    id: str
    name: str
    identity: str
    state: str
    created_at: int
    sponsor: str | None = None
    last_step: int = 0
    attempts: int = 0
    locked_until: int = 0
    shown_sha256: bytes | None = None
    shown_at: int | None = None

    @property
    def binds_a_person(self) -> bool:
        """Whether the identity alone is one person's, as a user's is and a role's is not."""
        return ":user/" in self.identity


def approver_id(generation: str, entropy: bytes) -> str:
    """An approver id from at least 16 bytes of randomness; its first digit names the generation of the root."""
    return f"ap_{generation}{base62.from_bytes(entropy, 21)}"


def generation_of(approver: str) -> str:
    """The generation of the root that an approver's codes come from."""
    return approver[3]


def is_approver(actor: str) -> bool:
    """Whether who moved a transaction was a person with a code."""
    return APPROVER_ID.fullmatch(actor) is not None


def identity_of(arn: str) -> str | None:
    """The part of a caller's ARN that the caller cannot choose; None where there is none (federated users, root).

    A role is named without its path, for the ARN of its session has none; a role's name is unique in its account.
    """
    if _USER.fullmatch(arn):
        return arn
    role = _ROLE.fullmatch(arn) or _SESSION.fullmatch(arn)
    return f"{role[1]}:iam::{role[2]}:role/{role[3]}" if role else None


def attempted(approver: Approver, now: int) -> dict[str, int] | None:
    """What counting one more attempt makes of ``attempts`` and ``locked_until``; None while it is locked.

    It is counted before the code is looked at: the last allowed one locks, and a right code unlocks.
    """
    if now < approver.locked_until:
        return None
    attempts = 1 if approver.attempts >= MAX_ATTEMPTS else approver.attempts + 1
    return {"attempts": attempts, "locked_until": now + LOCK if attempts == MAX_ATTEMPTS else 0}


def lapsed(approver: Approver, now: int) -> bool:
    """Whether its device can no longer be confirmed."""
    return approver.state == "pending" and now >= approver.created_at + ENROLMENT_LIFETIME


def describe(approver: Approver, now: int) -> dict[str, Any]:
    """The public form. A secret is no part of it, nor how many codes were tried."""
    return {
        "approver_id": approver.id,
        "name": approver.name,
        "identity": approver.identity,
        "state": "lapsed" if lapsed(approver, now) else approver.state,
        "sponsor": approver.sponsor,
        "created_at": times.rfc3339(approver.created_at),
    }
