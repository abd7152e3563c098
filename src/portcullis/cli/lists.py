"""``portcullis transactions`` and ``portcullis events``."""

from typing import Annotated

import typer

from portcullis.cli.agents import Agent
from portcullis.cli.context import session

transactions = typer.Typer(no_args_is_help=True)
events = typer.Typer(no_args_is_help=True)
TRANSACTION_COLUMNS = {
    "TRANSACTION": "id",
    "STATUS": "status",
    "KIND": "kind",
    "AMOUNT": "amount",
    "TOKEN": "token",
    "USD": "usd",
    "TO": "destination",
    "CREATED": "created_at",
}
EVENT_COLUMNS = {"AT": "at", "REV": "rev", "TYPE": "type", "KEY": "key", "BY": "data.actor"}

Limit = Annotated[int, typer.Option(min=1, max=100)]
Cursor = Annotated[str | None, typer.Option(help="From the previous page.")]


@transactions.command("list")
def list_transactions(
    context: typer.Context,
    agent: Agent,
    status: Annotated[str | None, typer.Option(help="approved, pending_approval or denied.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List an agent's transactions, newest first."""
    path = f"/v1/agents/{agent}/transactions"
    page = session(context).operator.get(path, status=status, limit=limit, cursor=cursor)
    session(context).show_list(page, "transactions", TRANSACTION_COLUMNS)


@events.command("list")
def list_events(context: typer.Context, agent: Agent, limit: Limit = 50, cursor: Cursor = None) -> None:
    """List what operators changed about an agent, newest first."""
    page = session(context).operator.get(f"/v1/agents/{agent}/events", limit=limit, cursor=cursor)
    session(context).show_list(page, "events", EVENT_COLUMNS)
