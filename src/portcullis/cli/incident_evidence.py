"""``portcullis incident evidence`` and ``portcullis incident report``: what is believed of either was verified here."""

import hashlib
import tempfile
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from portcullis.aws.log_reader import CHUNK_BYTES
from portcullis.cli import audit_reports, audit_source, files, incident_report
from portcullis.cli.audit_key import Key, Origin, verifier_key
from portcullis.cli.context import Session, session
from portcullis.cli.failure import REFUSED, USAGE, Failure
from portcullis.client.ed25519 import verifies
from portcullis.protocol import export_verification
from portcullis.protocol.audit_entries import Entry
from portcullis.protocol.export_verification import Export
from portcullis.protocol.log_export import ENTRIES, MalformedExport
from portcullis.protocol.notes import VerifierKey

MOST_BYTES = 1024 * 1024 * 1024
"""Of evidence, twice what the gateway writes."""

Incident = Annotated[str, typer.Argument(help="Incident id (in_…).")]
File = Annotated[Path | None, typer.Option("--out", "-o", help="File to write; it must not exist.")]


def evidence(
    context: typer.Context, incident: Incident, out: File = None, key: Key = None, origin: Origin = None
) -> None:
    """Fetch what was exported of an incident from the locked bucket, and verify it. Exit codes: 0 verified, 1 something
    is wrong with it or there is none yet, 2 usage, 3 unreachable."""
    path = out or Path(f"{incident}.zip")
    export = fetch(session(context), incident, path, verifier_key(session(context), key, origin))
    audit_reports.tell_export(export, str(path), as_json=session(context).as_json)


def report(
    context: typer.Context,
    incident: Incident,
    evidence: Annotated[
        Path | None, typer.Option(help="Export to rest it on, such as a later one; otherwise the evidence is fetched.")
    ] = None,
    out: File = None,
    key: Key = None,
    origin: Origin = None,
) -> None:
    """Write the report of an incident in Markdown, from its agent's audit log, which is verified before."""
    path = _new(out) if out else None
    page = write(session(context), incident, evidence, verifier_key(session(context), key, origin))
    if path is None:
        typer.echo(page, nl=False)
    else:
        with files.failing(), files.complete(path) as written:
            written.write(page.encode())


def fetch(session: Session, incident: str, path: Path, key: VerifierKey) -> Export:
    """Fetch the evidence of an incident to a new file, and verify it."""
    found = _read(session, incident)
    with files.failing(), files.complete(_new(path)) as file:
        export, _ = _fetched(session, found, file, key)
    return export


def write(session: Session, incident: str, evidence: Path | None, key: VerifierKey) -> str:
    """The report of an incident, from this export or, without one, from what is fetched."""
    found = _read(session, incident)
    with files.failing(), files.opened(evidence) if evidence else tempfile.TemporaryFile() as file:
        export, entries = _verified(found, file, key) if evidence else _fetched(session, found, file, key)
    return incident_report.page(found, export.proof.asked, export.proof.size, entries)


def _read(session: Session, incident: str) -> dict[str, Any]:
    return session.operator.get(f"/v1/incidents/{incident}")


def _fetched(
    session: Session, incident: dict[str, Any], file: IO[bytes], key: VerifierKey
) -> tuple[Export, list[Entry]]:
    step = incident["steps"]["evidence"]
    kept = step["result"]
    if step["state"] != "done":
        again = f"portcullis incident resume {incident['id']}"
        raise Failure(f"no evidence is kept: the step is {step['state']}. Have it done again: {again}", REFUSED)
    audit_source.bucket(session, kept["bucket"]).copy(kept["key"], file, MOST_BYTES)
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    if digest.hexdigest() != kept["sha256"]:
        raise MalformedExport(kept["key"], f"it is not the file that the incident tells of, {kept['sha256']}")
    return _verified(incident, file, key)


def _verified(incident: dict[str, Any], file: IO[bytes], key: VerifierKey) -> tuple[Export, list[Entry]]:
    """An export that proves itself, and tells of this suspension; and what it shows of the agent."""
    shown: list[Entry] = []
    with files.progress("verifying") as tell:
        export = export_verification.verify(file, key, verifies, (), tell, shown.append)
    opening = f"{incident['id']}#1"
    if not any(entry.id == opening for entry in shown):
        raise MalformedExport(ENTRIES, f"it does not tell of {opening}: it is of another agent or time")
    return export, [entry for entry in shown if entry.agent == incident["agent_id"]]


def _new(path: Path) -> Path:
    if path.exists():
        raise Failure(f"{path} exists; remove it, or name another file with --out", USAGE)
    return path
