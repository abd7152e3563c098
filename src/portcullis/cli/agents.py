"""``portcullis agent``."""

from pathlib import Path
from typing import Annotated

import typer

from portcullis.cli import documents, sending
from portcullis.cli.context import session

app = typer.Typer(no_args_is_help=True)
COLUMNS = {"AGENT": "agent_id", "NAME": "name", "STATE": "state", "POLICY": "policy_version", "CREATED": "created_at"}

Agent = Annotated[str, typer.Argument(help="Agent id (ag_…).")]


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What people call it.")],
    policy: Annotated[Path | None, typer.Option(help="Policy document, JSON (- for standard input).")] = None,
) -> None:
    """Create an agent under a policy; without one, under that of low trust, which allows nobody yet."""
    body = {"name": name} if policy is None else {"name": name, "policy": documents.read(policy)}
    session(context).show(session(context).operator.create("/v1/agents", body))


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 50,
    cursor: Annotated[str | None, typer.Option()] = None,
) -> None:
    """List agents, newest first."""
    page = session(context).operator.get("/v1/agents", limit=limit, cursor=cursor)
    session(context).show_list(page, "agents", COLUMNS)


@app.command()
def show(context: typer.Context, agent: Agent) -> None:
    """Show one agent."""
    session(context).show(session(context).operator.get(f"/v1/agents/{agent}"))


@app.command()
def suspend(
    context: typer.Context, agent: Agent, reason: Annotated[str, typer.Option(help="Why; it is recorded.")]
) -> None:
    """Stop an agent at once: nothing of it commits any more, and all its keys end. The way back is `portcullis
    incident`, which also does what else there is to do about a theft."""
    session(context).show(session(context).operator.post(f"/v1/agents/{agent}/suspend", {"reason": reason}))


app.command("sign-and-send")(sending.sign_and_send)
