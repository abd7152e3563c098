"""How the outcome of a verification of the audit log is told."""

from typing import Any

import typer
from rich.markup import escape

from portcullis.cli import output
from portcullis.cli.failure import REFUSED
from portcullis.protocol.bucket_verification import BucketReport, Finding
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.export_verification import Export
from portcullis.protocol.log_export import MalformedExport
from portcullis.protocol.notes import encode_base64

SHOWN = 100
"""How many findings are printed for people; JSON has them all."""


def tell_export(found: Export, file: str, *, as_json: bool) -> None:
    """A file that is what it says."""
    proof, tally = found.proof, found.tally
    record = {
        "file": file,
        "verified": True,
        **_checkpoint(found.checkpoint),
        "since": proof.asked.since,
        "until": proof.asked.until,
        "agent": proof.asked.agent,
        "first": proof.first,
        "end": proof.end,
        "shown": tally.disclosed,
        "withheld": tally.withheld,
    }
    if as_json:
        output.print_json({**record, "findings": []})
    else:
        output.print_fields({**record, "verified": "yes", "agent": proof.asked.agent or "all"})


def tell_fault(error: MalformedExport, file: str, *, as_json: bool) -> None:
    """A file that is not."""
    _tell({"file": file}, [Finding(error.member, None, error.entry, error.why)], as_json=as_json)


def tell_bucket(report: BucketReport, bucket: str, *, as_json: bool) -> None:
    """A whole log; exits when something is wrong with it."""
    counts = {
        "entries": report.log.entries,
        "unpublished": report.log.unpublished,
        "versions": report.versions,
        "growing": report.growing,
    }
    checkpoint = _checkpoint(report.log.checkpoint) if report.log.checkpoint else {}
    _tell({"bucket": bucket, **checkpoint, **counts}, list(report.findings), as_json=as_json)
    if report.findings:
        raise typer.Exit(REFUSED)


def _tell(record: dict[str, Any], findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        told = [finding._asdict() for finding in findings]
        output.print_json({**record, "verified": not findings, "findings": told})
        return
    output.print_fields({**record, "verified": "NO" if findings else "yes"})
    for finding in findings[:SHOWN]:
        output.console.print(f"[red]found[/red] {escape(_line(finding))}", soft_wrap=True)
    if len(findings) > SHOWN:
        output.console.print(f"and {len(findings) - SHOWN} more; --json has them all")


def _line(finding: Finding) -> str:
    place = [finding.path or "bucket"]
    place += [f"version {finding.version}"] if finding.version else []
    place += [f"entry {finding.entry}"] if finding.entry is not None else []
    text = f"{', '.join(place)}: {finding.what}"
    return "".join(character if character.isprintable() else "?" for character in text)


def _checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": encode_base64(checkpoint.root)}
