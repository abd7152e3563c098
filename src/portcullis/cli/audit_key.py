"""The key that a command verifies the audit log with. One that only the API tells is shown, and never trusted."""

from pathlib import Path
from typing import Annotated, Any

import typer

from portcullis.cli import target
from portcullis.cli.context import Session
from portcullis.cli.failure import REFUSED, USAGE, Failure
from portcullis.protocol import public_keys
from portcullis.protocol.log_errors import MalformedNote
from portcullis.protocol.notes import VerifierKey, parse_verifier_key

VARIABLE = "PORTCULLIS_AUDIT_KEY"
ORIGIN_VARIABLE = "PORTCULLIS_AUDIT_ORIGIN"
MAX_KEY_BYTES = 4096
HOW_TO_GET_A_KEY = (
    f"give --key or {VARIABLE}: the verifier key (name+id+base64) that you got from somebody you trust, a file "
    "with it, or one with the public key in PEM, and --origin: aws kms get-public-key --key-id <output AuditKeyArn> "
    "--query PublicKey --output text | base64 -d | openssl pkey -pubin -inform der"
)
Key = Annotated[str | None, typer.Option("--key", envvar=VARIABLE, help="Verifier key, or a file with it or with PEM.")]
Origin = Annotated[
    str | None, typer.Option(envvar=ORIGIN_VARIABLE, help="Name of the log (output AuditOrigin), with a key in PEM.")
]


def read(session: Session, path: str, **parameters: str | int | None) -> dict[str, Any]:
    """What the API answers. A refusal exits as usage does: it says nothing of the log."""
    try:
        return session.operator.get(path, **parameters)
    except Failure as failure:
        if failure.exit_code == REFUSED:
            raise Failure(str(failure), USAGE) from None
        raise


def verifier_key(session: Session, given: str | None, origin: str | None) -> VerifierKey:
    """The key that was given, or the local run's; Failure when nobody said which."""
    return _known(session, given, origin) or _missing()


def pinned(session: Session, given: str | None, origin: str | None) -> VerifierKey:
    """The same; the Failure shows what the API says the key is, for comparison."""
    known = _known(session, given, origin)
    if known is None:
        told = read(session, "/v1/audit/checkpoint").get("verifier_key")
        return _missing(f". The API says it is {told}: compare that before you trust it")
    return known


def _missing(hint: str = "") -> VerifierKey:
    raise Failure(f"no key to verify with: {HOW_TO_GET_A_KEY}{hint}", USAGE)


def _known(session: Session, given: str | None, origin: str | None) -> VerifierKey | None:
    if given is None and target.is_local(session.url, session.local):
        given = session.target.audit_key
    if given is None:
        return None
    text = given if "+" in given and not Path(given).exists() else _content(Path(given))
    try:
        if text.startswith("-----"):
            return VerifierKey(origin or "", public_keys.parse_ed25519(f"{text}\n"))
        return parse_verifier_key(text)
    except (MalformedNote, public_keys.MalformedPublicKey) as error:
        raise Failure(f"this is no key of an audit log ({error}): {HOW_TO_GET_A_KEY}", USAGE) from None


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError):
        raise Failure(f"cannot read the key in {path}: {HOW_TO_GET_A_KEY}", USAGE) from None
