"""``portcullis audit export`` and ``portcullis audit verify``."""

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated

import typer

from portcullis.aws.log_reader import LogBucket
from portcullis.aws.read_ahead import AHEAD, ReadAhead
from portcullis.cli import audit_reports, audit_source, files, instants
from portcullis.cli.audit_key import Key, Origin, verifier_key
from portcullis.cli.audit_source import BUCKET_VARIABLE
from portcullis.cli.context import session
from portcullis.cli.failure import REFUSED, UNREACHABLE, USAGE, Failure
from portcullis.client.ed25519 import verifies
from portcullis.protocol import checkpoints, export_verification, export_writing, tiles
from portcullis.protocol.authentic_log import AuthenticLog
from portcullis.protocol.bucket_verification import BucketReport, BucketVerification, Stored, Version
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.export_verification import Export
from portcullis.protocol.export_writing import Tell
from portcullis.protocol.log_errors import MalformedLog, MissingObject
from portcullis.protocol.log_export import Asked, MalformedExport
from portcullis.protocol.log_verification import LATEST
from portcullis.protocol.notes import MAX_NOTE_BYTES, VerifierKey

S3 = "s3://"


def export(
    context: typer.Context,
    agent: Annotated[str | None, typer.Option(help="Withhold the entries of all others.")] = None,
    since: Annotated[str, typer.Option(help=f"From when on. {instants.HELP}")] = "24h",
    until: Annotated[str, typer.Option(help="Before when.")] = "0m",
    to: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; it must not exist.")] = None,
    bucket: Annotated[str | None, typer.Option(envvar=BUCKET_VARIABLE, help="Output AuditBucket.")] = None,
    key: Key = None,
    origin: Origin = None,
) -> None:
    """Write the entries of a time into one file that proves itself offline. What is read is verified, and the file
    too before it gets its name. Exit codes: 0 written, 1 something is wrong with the log, 2 usage, 3 unreachable."""
    now = datetime.now(UTC)
    asked = _asked(instants.instant(since, now), instants.instant(until, now), agent)
    path = to or Path(f"audit-{_compact(asked.since)}-{_compact(asked.until)}{f'-{agent}' if agent else ''}.zip")
    if path.exists():
        raise Failure(f"{path} exists; remove it, or name another file with --output", USAGE)
    verifier = verifier_key(session(context), key, origin)
    source = audit_source.bucket(session(context), bucket)
    with files.failing(), files.complete(path) as file:
        _write(file, source, verifier, asked)
        with files.progress("verifying what was written") as tell:
            written = export_verification.verify(file, verifier, verifies, (), tell)
    audit_reports.tell_export(written, str(path), as_json=session(context).as_json)


def verify(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="File of an export, or s3://BUCKET for the whole log.")],
    against: Annotated[
        Path | None, typer.Option(help="Checkpoint or export kept from before: is this the same log?")
    ] = None,
    key: Key = None,
    origin: Origin = None,
) -> None:
    """Verify an export, offline, or the whole log in its bucket. Exit codes: 0 verified, 1 something is wrong with the
    log, 2 usage, 3 unreachable, or it does not follow from what there is."""
    verifier = verifier_key(session(context), key, origin)
    if what.startswith(S3):
        with files.failing():
            report = _verify_bucket(audit_source.bucket(session(context), what.removeprefix(S3)), verifier, against)
        audit_reports.tell_bucket(report, what, as_json=session(context).as_json)
    else:
        try:
            found = _verify_file(Path(what), verifier, against)
        except MalformedExport as error:
            audit_reports.tell_fault(error, what, as_json=session(context).as_json)
            raise typer.Exit(REFUSED) from None
        audit_reports.tell_export(found, what, as_json=session(context).as_json)


def _write(file: IO[bytes], source: LogBucket, key: VerifierKey, asked: Asked) -> None:
    note = source.read(LATEST)
    if note is None:
        raise MissingObject(LATEST, "it does not exist, so that nothing was published yet, or it was removed")
    checkpoint = checkpoints.open_checkpoint(note, key, verifies)
    read = ReadAhead(source.read, lambda path: tiles.next_bundles(path, checkpoint.size, AHEAD))
    try:
        with files.progress("exporting") as tell:
            export_writing.write(file, AuthenticLog(checkpoint, read), note, key, asked, tell)
    finally:
        read.close()


def _verify_file(path: Path, key: VerifierKey, against: Path | None) -> Export:
    kept = _kept(against, key, ())[0] if against else None
    with files.opened(path) as file, files.progress("verifying") as tell:
        found = export_verification.verify(file, key, verifies, [kept.size] if kept else [], tell)
    if against and kept:
        root, other = found.roots.get(kept.size), kept.root
        if root is None:  # the other one may reach further
            roots = _kept(against, key, [found.checkpoint.size])[1]
            root, other = roots.get(found.checkpoint.size), found.checkpoint.root
        if root is None:
            size = kept.size
            raise Failure(
                f"the checkpoint of size {size} does not follow from this file: export a range around {size}",
                UNREACHABLE,
            )
        if root != other:
            raise MalformedExport(LATEST, f"it is of another log than {against}: one of them was forked")
    return found


def _verify_bucket(source: LogBucket, key: VerifierKey, against: Path | None) -> BucketReport:
    kept = _kept(against, key, ())[0] if against else None
    verification = BucketVerification(source.versions(), source.retention(), datetime.now(UTC).timestamp())
    order = verification.order
    places = {version: place for place, version in enumerate(order, 1)}
    ahead = ReadAhead(source.fetch, lambda version: order[places[version] : places[version] + AHEAD])
    try:
        with files.progress("verifying", of="files") as tell:
            fetched: set[Version] = set()

            def fetch(version: Version) -> Stored | None:
                fetched.add(version)
                tell(len(fetched), len(order))
                return ahead(version)

            return verification.run(fetch, key, verifies, kept)
    finally:
        ahead.close()


def _kept(path: Path, key: VerifierKey, sizes: Collection[int]) -> tuple[Checkpoint, dict[int, bytes]]:
    """The checkpoint in a file that was kept, and if it is an export, roots of these sizes."""
    with files.opened(path) as file:
        start = file.read(MAX_NOTE_BYTES)
        if start.startswith(b"PK"):
            with files.progress(f"verifying {path}") as tell:
                found = _verified(file, path, key, sizes, tell)
            return found.checkpoint, found.roots
    try:
        return checkpoints.open_checkpoint(start, key, verifies), {}
    except MalformedLog as error:
        raise Failure(f"{path} is neither an export nor a checkpoint of this log: {error}", USAGE) from None


def _verified(file: IO[bytes], path: Path, key: VerifierKey, sizes: Collection[int], tell: Tell) -> Export:
    try:
        return export_verification.verify(file, key, verifies, sizes, tell)
    except MalformedExport as error:
        raise Failure(f"{path}, which was to be compared: {error}", REFUSED) from None


def _asked(since: str, until: str, agent: str | None) -> Asked:
    if until <= since:
        raise Failure(f"--until ({until}) has to be after --since ({since})", USAGE)
    try:
        return Asked(since, until, agent)
    except MalformedExport as error:
        raise Failure(error.why, USAGE) from None


def _compact(instant: str) -> str:
    return f"{instant[:19].replace('-', '').replace(':', '')}Z"
