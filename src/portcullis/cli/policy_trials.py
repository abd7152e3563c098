"""``portcullis policy``: a policy tried out before it is in force, and the trust that an agent has earned."""

from pathlib import Path
from typing import Annotated, Any

import typer

from portcullis.cli import documents, output, policies, policy_reports
from portcullis.cli.agents import Agent
from portcullis.cli.context import session
from portcullis.cli.failure import USAGE, Failure

app = policies.app
PAGE = 500
OptionalDocument = Annotated[Path | None, typer.Argument(help="A policy, JSON (- for standard input).")]
Draft = Annotated[bool, typer.Option("--draft", help="The agent's draft, instead of a document.")]


@app.command()
def shadow(
    context: typer.Context,
    agent: Agent,
    document: OptionalDocument = None,
    draft: Draft = False,
    off: Annotated[bool, typer.Option("--off", help="End the trial.")] = False,
) -> None:
    """Try a policy beside the one in force: transactions that it would have decided otherwise say so."""
    if [document is not None, draft, off].count(True) != 1:
        raise Failure("give a document, --draft or --off", USAGE)
    operator, path = session(context).operator, f"/v1/agents/{agent}/policy/shadow"
    session(context).show(operator.delete(path) if off else operator.put(path, _tried(document)))


@app.command()
def backtest(
    context: typer.Context,
    agent: Agent,
    document: OptionalDocument = None,
    draft: Draft = False,
    since: Annotated[str | None, typer.Option(help="RFC 3339 instant; without it, from the first.")] = None,
    until: Annotated[str | None, typer.Option(help="RFC 3339 instant; without it, up to now.")] = None,
) -> None:
    """Decide the agent's recorded transactions again under another policy: which would change, and how much money."""
    if (document is not None) == draft:
        raise Failure("give a document or --draft", USAGE)
    policy = {"draft": True} if document is None else {"policy": documents.read(document)}
    span = {name: value for name, value in (("since", since), ("until", until)) if value}
    pages: list[dict[str, Any]] = []
    while not pages or pages[-1]["cursor"]:
        reached = {"cursor": pages[-1]["cursor"]} if pages else {}
        body = {**policy, **span, **reached, "limit": PAGE}
        pages.append(session(context).operator.post(f"/v1/agents/{agent}/policy/backtest", body))
    policy_reports.show_backtest(session(context), policy_reports.sum_up(pages))


@app.command()
def explain(
    context: typer.Context,
    agent: Agent,
    transaction: Annotated[
        Path, typer.Argument(help="A transaction as an agent sends it, JSON (- for standard input).")
    ],
    draft: Annotated[bool, typer.Option("--draft", help="Under the draft, instead of the policy in force.")] = False,
) -> None:
    """Show what would be decided on a transaction now, and why: each rule with its verdict. Nothing is recorded."""
    body = {"transaction": documents.read(transaction), "draft": draft}
    found = session(context).operator.post(f"/v1/agents/{agent}/policy/explain", body)
    policy_reports.show_explanation(session(context), found)


@app.command()
def proposal(context: typer.Context, agent: Agent) -> None:
    """Show whether the agent has earned a higher trust level, and when it will have."""
    found = session(context).operator.get(f"/v1/agents/{agent}/proposal")
    if session(context).as_json:
        output.print_json(found)
        return
    output.print_fields({name: value or "none" for name, value in found.items()})


def _tried(document: Path | None) -> Any:
    return {"draft": True} if document is None else documents.read(document)
