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
    """Replace the policy: shows what changes and asks. Refused when another version is in force by then."""
    new = documents.read(document)
    present = session(context).operator.get(f"/v1/agents/{agent}/policy")
    if not yes and not session(context).as_json:
        _show_difference(present["policy"], new)
        typer.confirm(f"Replace version {present['version']}?", abort=True)
    version = present["version"] if if_match is None else if_match
    session(context).show(session(context).operator.put(f"/v1/agents/{agent}/policy", new, If_Match=f'"{version}"'))


def _show_difference(old: Any, new: Any) -> None:
    before, after = (json.dumps(document, indent=2, sort_keys=True).splitlines() for document in (old, new))
    for line in difflib.unified_diff(before, after, "in force", "new", lineterm=""):
        colour = {"+": "green", "-": "red"}.get(line[:1], "default")
        output.console.print(f"[{colour}]{escape(line)}[/{colour}]", soft_wrap=True)
