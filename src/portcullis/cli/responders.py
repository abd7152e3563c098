"""The two people of a drill that runs unattended: a file with what each would have at hand, for its owner alone."""

import json
import time
from base64 import b32decode
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portcullis.aws.operator_signing import Credentials
from portcullis.cli.failure import USAGE, Failure
from portcullis.cli.operator import Operator
from portcullis.cli.target import Target
from portcullis.protocol import totp

EARLIER_SECONDS = 20
"""The code of the step before is taken while at least ten seconds of the present one are left to send it in."""
FORM = (
    "expected a list of two, each with approver_id, totp_secret (base32), access_key_id and secret_access_key, "
    "in a file that only its owner can read"
)


@dataclass(slots=True)
class Responder:
    """An approver with a device and credentials of their own. ``last_step`` is that of the last code, where known."""

    approver_id: str
    secret: bytes = field(repr=False)
    credentials: Credentials = field(repr=False)
    last_step: int | None = None

    def post(self, target: Target, what: str, body: dict[str, Any]) -> dict[str, Any]:
        """Speak as this approver, with a code that was not used yet."""
        with closing(Operator(Target(target.url, target.region, self.credentials))) as as_them:
            return as_them.post(f"/v1/approvers/{self.approver_id}/{what}", {**body, "code": self.code()})

    def code(self, clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep) -> str:
        """The next code that is good: each is good once, and those of the step before and after are accepted too."""
        now = totp.step_at(int(clock()))
        step = now if self.last_step is None else max(self.last_step + 1, totp.step_at(int(clock()) - EARLIER_SECONDS))
        while step > totp.step_at(int(clock())) + totp.SKEW:
            sleep(0.5)
        self.last_step = step
        return totp.code(self.secret, step)


def load(path: Path) -> tuple[Responder, Responder]:
    """The reviewer and who confirms. Failure says what is wrong with the file, and nothing of what is in it."""
    try:
        if path.stat().st_mode & 0o077:
            raise Failure(f"--responders: others can read {path}: chmod 600 {path}", USAGE)
        first, second = (_responder(entry) for entry in json.loads(path.read_text()))
    except OSError as error:
        raise Failure(f"--responders: {path} cannot be read: {error.strerror}", USAGE) from None
    except (ValueError, KeyError, TypeError):
        raise Failure(f"--responders: {path}: {FORM}", USAGE) from None
    if first.approver_id == second.approver_id:
        raise Failure("--responders: recovery takes two people, and this is one of them twice", USAGE)
    return first, second


def _responder(entry: dict[str, Any]) -> Responder:
    padded = entry["totp_secret"] + "=" * (-len(entry["totp_secret"]) % 8)
    credentials = Credentials(entry["access_key_id"], entry["secret_access_key"], entry.get("session_token"))
    return Responder(entry["approver_id"], b32decode(padded), credentials, entry.get("last_step"))
