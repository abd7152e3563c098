"""Which audit log a command reads, and with which key it verifies it: as given, or of the local run."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from portcullis.aws.log_reader import LogBucket
from portcullis.cli import target
from portcullis.cli.context import Session
from portcullis.cli.failure import USAGE, Failure
from portcullis.protocol import public_keys
from portcullis.protocol.log_errors import MalformedNote
from portcullis.protocol.notes import VerifierKey, parse_verifier_key

KEY_VARIABLE = "PORTCULLIS_AUDIT_KEY"
BUCKET_VARIABLE = "PORTCULLIS_AUDIT_BUCKET"
ORIGIN_VARIABLE = "PORTCULLIS_AUDIT_ORIGIN"
MAX_KEY_BYTES = 4096
HOW_TO_GET_A_KEY = (
    f"give --key or {KEY_VARIABLE}: the verifier key (name+id+base64) that you got from somebody you trust, a file "
    "with it, or one with the public key in PEM, and --origin: aws kms get-public-key --key-id <output AuditKeyArn> "
    "--query PublicKey --output text | base64 -d | openssl pkey -pubin -inform der"
)
_AGO = re.compile(r"([0-9]{1,6})([mhd])", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

Key = Annotated[
    str | None, typer.Option("--key", envvar=KEY_VARIABLE, help="Verifier key, or a file with it or with PEM.")
]
Origin = Annotated[
    str | None, typer.Option(envvar=ORIGIN_VARIABLE, help="Name of the log (output AuditOrigin), with a key in PEM.")
]


def verifier_key(session: Session, given: str | None, origin: str | None) -> VerifierKey:
    """The key to verify with; Failure when nobody said which."""
    if given is None and target.is_local(session.url, session.local):
        given = session.target.audit_key
    if given is None:
        raise Failure(f"no key to verify with: {HOW_TO_GET_A_KEY}", USAGE)
    text = given if "+" in given and not Path(given).exists() else _read(Path(given))
    try:
        if text.startswith("-----"):
            return VerifierKey(origin or "", public_keys.parse_ed25519(f"{text}\n"))
        return parse_verifier_key(text)
    except (MalformedNote, public_keys.MalformedPublicKey) as error:
        raise Failure(f"this is no key of an audit log ({error}): {HOW_TO_GET_A_KEY}", USAGE) from None


def bucket(session: Session, given: str | None) -> LogBucket:
    """The bucket to read; Failure when nobody said which."""
    if target.is_local(session.url, session.local):
        found = session.target
        if name := given or found.audit_bucket:
            return LogBucket(name, found.credentials, found.region, found.endpoint_url)
    if not given:
        raise Failure(f"no bucket: give --bucket or {BUCKET_VARIABLE} (output AuditBucket)", USAGE)
    return LogBucket(given, *target.caller(session.region))


def instant(text: str, now: datetime) -> str:
    """An instant as entries have it, from RFC 3339 with an offset or from how long ago it is (``24h``)."""
    try:
        if match := _AGO.fullmatch(text):
            moment = now - int(match[1]) * _UNITS[match[2]]
        else:
            moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    except (ValueError, OverflowError):
        raise Failure(f"{text} is no time: give 2026-01-31T09:30:00Z, or 90m, 24h or 7d ago", USAGE) from None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError):
        raise Failure(f"cannot read the key in {path}: {HOW_TO_GET_A_KEY}", USAGE) from None
