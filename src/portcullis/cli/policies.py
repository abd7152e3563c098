"""``portcullis policy``."""

import difflib
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from portcullis.cli import documents, output
from portcullis.cli.agents import Agent
from portcullis.cli.context import session
from portcullis.cli.failure import USAGE, Failure

app = typer.Typer(no_args_is_help=True)


@app.command()
def get(context: typer.Context, agent: Agent) -> None:
    """Print the policy in force; its version goes to standard error, so that the document can be redirected."""
    found = session(context).operator.get(f"/v1/agents/{agent}/policy")
    if session(context).as_json:
        output.print_json(found)
        return
    output.print_json(found["policy"])
    output.errors.print(f"version {found['version']}, sha256 {found['sha256']}")


@app.command()
def put(
    context: typer.Context,
    agent: Agent,
    document: Annotated[Path, typer.Argument(help="The new policy, JSON (- for standard input).")],
    if_match: Annotated[int | None, typer.Option(help="Version that the change is based on.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Replace the policy. Without --if-match or --yes, shows what changes and asks. Refused when another version is
    in force by then."""
    new, path = documents.read(document), f"/v1/agents/{agent}/policy"
    version = if_match
    if version is None:
        present = session(context).operator.get(path)
        version = present["version"]
        if not yes:
            _ask(present, new)
    session(context).show(session(context).operator.put(path, new, If_Match=f'"{version}"'))


def _ask(present: dict[str, Any], new: Any) -> None:
    _show_difference(present["policy"], new)
    try:
        agreed = typer.confirm(f"Replace version {present['version']}?", err=True)
    except typer.Abort:
        raise Failure("nothing was changed: there is nobody to ask; give --yes or --if-match", USAGE) from None
    if not agreed:
        raise Failure("nothing was changed", USAGE)


def _show_difference(old: Any, new: Any) -> None:
    before, after = (json.dumps(document, indent=2, sort_keys=True).splitlines() for document in (old, new))
    for line in difflib.unified_diff(before, after, "in force", "new", lineterm=""):
        colour = {"+": "green", "-": "red"}.get(line[:1], "default")
        output.errors.print(f"[{colour}]{escape(line)}[/{colour}]", soft_wrap=True)
