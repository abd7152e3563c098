"""``portcullis tx``: one transaction: look at it, approve or deny it, take it back, say how it ended."""

import hashlib
import json
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from portcullis.cli import output
from portcullis.cli.agents import Agent
from portcullis.cli.codes import Code, Speaker, asked
from portcullis.cli.context import session
from portcullis.cli.failure import REFUSED, Failure

app = typer.Typer(no_args_is_help=True)
CONTENT = (
    "kind",
    "amount",
    "token",
    "chain",
    "destination",
    "instructed_by",
    "memo",
    "call",
    "token_out",
    "min_out",
    "escrow_id",
)
"""What the content hash covers: the request's own fields."""

Transaction = Annotated[str, typer.Argument(help="Transaction id (tx_…).")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded.")]


@app.command()
def show(context: typer.Context, agent: Agent, transaction: Transaction) -> None:
    """Show one transaction."""
    session(context).show(_read(context, agent, transaction))


@app.command()
def approve(
    context: typer.Context, agent: Agent, transaction: Transaction, speaker: Speaker, code: Code = None
) -> None:
    """Approve a held transaction: shows its content and the hash of it, which your code then approves."""
    found = _read(context, agent, transaction)
    body = {"content_sha256": _show_content(found)}
    _decide(context, speaker, "approvals", agent, transaction, code, body)


@app.command()
def deny(
    context: typer.Context, agent: Agent, transaction: Transaction, speaker: Speaker, reason: Reason, code: Code = None
) -> None:
    """Deny a held transaction; what it reserved is given back."""
    _show_content(_read(context, agent, transaction))
    _decide(context, speaker, "denials", agent, transaction, code, {"reason": reason})


@app.command()
def cancel(context: typer.Context, agent: Agent, transaction: Transaction, reason: Reason) -> None:
    """Take back what nobody has claimed. It needs no code: no money moves by it."""
    path = f"/v1/agents/{agent}/transactions/{transaction}/cancel"
    session(context).show(session(context).operator.post(path, {"reason": reason}))


@app.command()
def reconcile(
    context: typer.Context,
    agent: Agent,
    transaction: Transaction,
    outcome: Annotated[Literal["settled", "failed"], typer.Argument(help="Whether the money moved.")],
    speaker: Speaker,
    reference: Annotated[str, typer.Option(help="Where that can be seen, such as a transaction hash.")],
    code: Code = None,
) -> None:
    """Say how a transaction ended whose executor was not heard of again."""
    _show_content(_read(context, agent, transaction))
    body = {"outcome": outcome, "reference": reference}
    _decide(context, speaker, "reconciliations", agent, transaction, code, body)


def _read(context: typer.Context, agent: str, transaction: str) -> dict[str, Any]:
    return session(context).operator.get(f"/v1/agents/{agent}/transactions/{transaction}")


def _decide(
    context: typer.Context,
    speaker: str,
    what: str,
    agent: str,
    transaction: str,
    code: str | None,
    body: dict[str, Any],
) -> None:
    content = {"agent_id": agent, "transaction_id": transaction, **body, "code": asked(code)}
    session(context).show(session(context).operator.post(f"/v1/approvers/{speaker}/{what}", content))


def _show_content(found: dict[str, Any]) -> str:
    """Show what is decided on, and give the hash of exactly that."""
    content = {name: found[name] for name in CONTENT if name in found}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest != found["content_sha256"]:
        raise Failure("the content shown is not what its hash says; nothing was decided", REFUSED)
    for name in ("status", "usd", *content, "content_sha256"):
        value = found[name]
        output.errors.print(f"[bold]{name}[/bold]  {escape(value if isinstance(value, str) else json.dumps(value))}")
    return digest
