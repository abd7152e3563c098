"""``portcullis audit query``, ``proof`` and ``watch``: the audit log through the operator API."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from portcullis.cli import audit_checks, audit_key, instants, output
from portcullis.cli.audit_checks import Unproven
from portcullis.cli.audit_key import Key, Origin
from portcullis.cli.audit_watch import Watch
from portcullis.cli.context import session
from portcullis.cli.failure import REFUSED, UNREACHABLE, USAGE, Failure
from portcullis.protocol.audit_entries import Entry

COLUMNS = {
    "INDEX": "index",
    "AT": "at",
    "TYPE": "type",
    "OUTCOME": "outcome",
    "AGENT": "agent",
    "EVENT": "id",
    "IP": "ip",
}
PAGE = 100
STATE = Path("portcullis-audit.checkpoint")
_INDEX = re.compile(r"[0-9]{1,18}", re.ASCII)


def query(
    context: typer.Context,
    agent: Annotated[str | None, typer.Option(help="Of this agent.")] = None,
    since: Annotated[str | None, typer.Option(help=instants.HELP)] = None,
    until: Annotated[str | None, typer.Option(help=f"{instants.HELP} Up to it, and not it.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Of this type, such as transaction.denied.")] = None,
    outcome: Annotated[str | None, typer.Option(help="Of this outcome, such as denied.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 50,
) -> None:
    """List entries of the audit log, newest first; with --json, one a line."""
    now = datetime.now(UTC)
    span = {name: text and instants.instant(text, now) for name, text in (("since", since), ("until", until))}
    found = _entries(context, limit, agent=agent, type=type_, outcome=outcome, **span)
    if session(context).as_json:
        for entry in found:
            output.console.print(json.dumps(entry), markup=False, soft_wrap=True)
    else:
        output.print_table(found, COLUMNS, "no entries")


def proof(
    context: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVENT|INDEX", help="The event's id, or the entry's index.")],
    at: Annotated[str | None, typer.Option(help="When it happened, RFC 3339, as the event says.")] = None,
    key: Key = None,
    origin: Origin = None,
    file: Annotated[Path | None, typer.Option("--output", help="Keep the proof in this file.")] = None,
) -> None:
    """Prove that an event is in the audit log: the proof is fetched, and verified here with the key."""
    verifier = audit_key.pinned(session(context), key, origin)
    index = int(event) if _INDEX.fullmatch(event) else None
    found = _found(context, index=index) if index is not None else _found(context, event=event, at=at)
    if found is None:
        raise Failure(f"not proven: the log has no entry {event}", REFUSED)
    try:
        checkpoint, place, entry = audit_checks.included(found, verifier)
        if (index is None and not _is_of(entry, event, at)) or index not in (None, place):
            raise Unproven(f"it is the proof of {entry.id} of {entry.at}, at {place}")
    except Unproven as fault:
        raise Failure(f"not proven: {fault}", REFUSED) from None
    if file is not None:
        _keep(file, found)
    if session(context).as_json:
        output.print_json({"proven": True, "size": checkpoint.size, **found})
        return
    output.console.print(f"proven: entry {place} of {checkpoint.size} in {escape(checkpoint.origin)}", soft_wrap=True)
    output.print_fields({name: value for name, value in json.loads(found["entry"]).items() if value is not None})


def watch(
    context: typer.Context,
    state: Annotated[Path, typer.Option(help="Where the last checkpoint is kept.")] = STATE,
    interval: Annotated[int, typer.Option(min=1, max=86_400, help="Seconds between two looks.")] = 60,
    once: Annotated[bool, typer.Option("--once", help="Look once.")] = False,
    key: Key = None,
    origin: Origin = None,
) -> None:
    """See that the audit log only ever grows: each checkpoint is verified, and its tree to begin with the last one.

    The first look pins. A fork, a log that shrank or a wrong signature ends it with code 1, and both checkpoints are
    kept beside the state.
    """
    watched = Watch(session(context), audit_key.pinned(session(context), key, origin), state)
    while True:
        try:
            news = watched.look()
            if news or once:
                output.console.print(f"{_now()} {news or 'nothing new'}", markup=False, soft_wrap=True)
        except Failure as failure:
            if once or failure.exit_code != UNREACHABLE:
                raise
            output.errors.print(f"{_now()} {failure}; trying again in {interval} s", markup=False)
        if once:
            return
        time.sleep(interval)


def _entries(context: typer.Context, limit: int, **filters: str | None) -> list[dict[str, Any]]:
    """Up to ``limit`` entries, however many calls that takes."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        most = min(PAGE, limit - len(found))
        page = audit_key.read(session(context), "/v1/audit/entries", limit=most, cursor=cursor, **filters)
        found += page["entries"]
        cursor = page["cursor"]
        if not cursor or len(found) >= limit:
            return found
        output.errors.print(f"{len(found)} found, looked through down to {page['scanned_to']} of {page['size']}")


def _is_of(entry: Entry, event: str, at: str | None) -> bool:
    """Whether it is the entry of the event, which an id names together with its instant."""
    if entry.id != event or at is None:
        return entry.id == event
    return abs(datetime.fromisoformat(at) - datetime.fromisoformat(entry.at)) < timedelta(milliseconds=1)


def _found(context: typer.Context, **named: str | int | None) -> dict[str, Any] | None:
    """The proof, however many calls the search takes."""
    answer: dict[str, Any] = {"cursor": None}
    while True:
        answer = audit_key.read(session(context), "/v1/audit/proofs", cursor=answer["cursor"], **named)
        if answer["proof"] is not None or not answer["cursor"]:
            found: dict[str, Any] | None = answer["proof"]
            return found
        output.errors.print(f"not found yet, at entry {answer['cursor']}; --at finds it fast")


def _keep(file: Path, found: dict[str, Any]) -> None:
    try:
        file.write_text(json.dumps(found, indent=2) + "\n")
    except OSError as error:
        raise Failure(f"--output: {file} cannot be written: {error}", USAGE) from None


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
