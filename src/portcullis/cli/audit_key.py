"""The key that a command verifies the audit log with. One that only the API tells is shown, and never trusted."""

from pathlib import Path
from typing import Annotated, Any

import typer

from portcullis.cli.context import Session
from portcullis.cli.failure import REFUSED, USAGE, Failure
from portcullis.protocol.log_errors import MalformedLog
from portcullis.protocol.notes import VerifierKey, parse_verifier_key

VARIABLE = "PORTCULLIS_AUDIT_KEY"
KeyOption = Annotated[
    str | None, typer.Option("--key", envvar=VARIABLE, help="The log's verifier key, or a file of it.")
]


def read(session: Session, path: str, **parameters: str | int | None) -> dict[str, Any]:
    """What the API answers. A refusal exits as usage does: it says nothing of the log."""
    try:
        return session.operator.get(path, **parameters)
    except Failure as failure:
        if failure.exit_code == REFUSED:
            raise Failure(str(failure), USAGE) from None
        raise


def pinned(session: Session, given: str | None) -> VerifierKey:
    """The key that was given, or the local run's; Failure with how to get one."""
    text = given or session.target.audit_key
    if text is None:
        told = read(session, "/v1/audit/checkpoint").get("verifier_key")
        raise Failure(
            f"no key to verify with: give --key or {VARIABLE}. The API says it is {told}. Compare that with the public "
            "key in KMS (output AuditKeyArn), or with what an auditor keeps, before you trust it",
            USAGE,
        )
    try:
        return parse_verifier_key(_content(text).strip())
    except MalformedLog as error:
        raise Failure(f"--key: {error}", USAGE) from None


def _content(text: str) -> str:
    try:
        return Path(text).read_text() if Path(text).is_file() else text
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"--key: {text} cannot be read: {error}", USAGE) from None
