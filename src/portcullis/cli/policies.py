"""``portcullis policy``: the policy in force, its draft, its versions."""

from pathlib import Path
from typing import Annotated, Any

import typer

from portcullis.cli import documents, output, policy_reports
from portcullis.cli.agents import Agent
from portcullis.cli.context import session
from portcullis.cli.failure import USAGE, Failure
from portcullis.cli.lists import Cursor, Limit

app = typer.Typer(no_args_is_help=True)
VERSIONS = {
    "VERSION": "version",
    "TRUST": "trust",
    "SHA256": "sha256",
    "PUBLISHED": "published_at",
    "BY": "published_by",
}

Document = Annotated[Path, typer.Argument(help="A policy, JSON (- for standard input).")]
IfMatch = Annotated[int | None, typer.Option(help="Version that the change is based on.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


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
def put(context: typer.Context, agent: Agent, document: Document, if_match: IfMatch = None, yes: Yes = False) -> None:
    """Replace the policy. Without --if-match or --yes, shows what changes and asks. Refused when another version is
    in force by then."""
    new, path = documents.read(document), f"/v1/agents/{agent}/policy"
    version = if_match
    if version is None:
        present = session(context).operator.get(path)
        version = present["version"]
        if not yes:
            policy_reports.show_texts(present["policy"], new)
            _agree(f"Replace version {version}?")
    session(context).show(session(context).operator.put(path, new, If_Match=f'"{version}"'))


@app.command()
def preset(context: typer.Context, trust: Annotated[str, typer.Argument(help="low, medium or high.")]) -> None:
    """Print the policy of a trust level, to start from. It allows nobody yet."""
    found = session(context).operator.get(f"/v1/policies/presets/{trust}")
    output.print_json(found if session(context).as_json else found["policy"])


@app.command()
def validate(context: typer.Context, document: Document) -> None:
    """Check a policy: how much it protects, and what looks like a mistake. Nothing is stored."""
    policy_reports.show_review(
        session(context), session(context).operator.post("/v1/policies/validate", documents.read(document))
    )


@app.command()
def draft(
    context: typer.Context,
    agent: Agent,
    document: Annotated[Path | None, typer.Argument(help="The draft, JSON (- for standard input).")] = None,
    if_match: Annotated[int | None, typer.Option(help="Rev of the draft that this one replaces.")] = None,
    discard: Annotated[bool, typer.Option("--discard", help="Remove the draft.")] = False,
) -> None:
    """Keep a draft of the agent's policy, or print the one there is."""
    operator, path = session(context).operator, f"/v1/agents/{agent}/policy/draft"
    if discard and document:
        raise Failure("give a document or --discard, not both", USAGE)
    if discard:
        rev = if_match or operator.get(path)["rev"]
        session(context).show(operator.delete(path, If_Match=f'"{rev}"'))
        return
    if document is None:
        found = operator.get(path)
        if not session(context).as_json:
            output.print_json(found["policy"])
            output.errors.print(f"rev {found['rev']}, sha256 {found['sha256']}, by {found['by']}")
            return
    else:
        headers = {} if if_match is None else {"If_Match": f'"{if_match}"'}
        found = operator.put(path, documents.read(document), **headers)
    policy_reports.show_review(session(context), found)


@app.command()
def publish(context: typer.Context, agent: Agent, if_match: IfMatch = None, yes: Yes = False) -> None:
    """Put the draft in force. Without --yes, shows what changes and asks. Refused when the draft or the version in
    force has changed by then."""
    operator, path = session(context).operator, f"/v1/agents/{agent}/policy"
    found = operator.get(f"{path}/draft")
    version = if_match or operator.get(path)["version"]
    if not yes:
        policy_reports.show_differences(operator.get(f"{path}/diff", **{"from": version, "to": "draft"})["differences"])
        policy_reports.show_warnings(found["warnings"])
        _agree(f"Publish the draft as version {version + 1}?")
    published = operator.post(f"{path}/publish", {"sha256": found["sha256"]}, If_Match=f'"{version}"')
    session(context).show(published if session(context).as_json else _without_document(published))


@app.command()
def history(context: typer.Context, agent: Agent, limit: Limit = 50, cursor: Cursor = None) -> None:
    """List the published versions, newest first."""
    page = session(context).operator.get(f"/v1/agents/{agent}/policy/versions", limit=limit, cursor=cursor)
    session(context).show_list(page, "versions", VERSIONS)


@app.command()
def show(context: typer.Context, agent: Agent, version: Annotated[int, typer.Argument(min=1)]) -> None:
    """Print one version."""
    found = session(context).operator.get(f"/v1/agents/{agent}/policy/versions/{version}")
    output.print_json(found if session(context).as_json else found["policy"])


@app.command()
def diff(
    context: typer.Context,
    agent: Agent,
    old: Annotated[
        str | None, typer.Option("--from", help="A version, or draft; without it, the one in force.")
    ] = None,
    new: Annotated[str | None, typer.Option("--to", help="A version, or draft, which it is without.")] = None,
) -> None:
    """Show what changes between two versions, and whether it loosens or tightens."""
    found = session(context).operator.get(f"/v1/agents/{agent}/policy/diff", **{"from": old, "to": new})
    if session(context).as_json:
        output.print_json(found)
        return
    policy_reports.show_differences(found["differences"], output.console)


def _without_document(published: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in published.items() if name != "policy"}


def _agree(question: str) -> None:
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        raise Failure("nothing was changed: there is nobody to ask; give --yes or --if-match", USAGE) from None
    if not agreed:
        raise Failure("nothing was changed", USAGE)
