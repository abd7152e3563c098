"""``portcullis prices``."""

from typing import Annotated

import typer

from portcullis.cli import output
from portcullis.cli.context import session

app = typer.Typer(no_args_is_help=True)
COLUMNS = {"TOKEN": "token", "USD": "usd", "EXPIRES": "expires_at", "UPDATED": "updated_at"}


@app.command("list")
def list_(context: typer.Context) -> None:
    """List the price table."""
    found = session(context).operator.get("/v1/prices")
    if session(context).as_json:
        output.print_json(found)
        return
    rows = [{"token": token, **entry} for token, entry in sorted(found["prices"].items())]
    output.print_table(rows, COLUMNS, "no prices: every token is refused until it has one")


@app.command("set")
def set_(
    context: typer.Context,
    token: Annotated[str, typer.Argument(help="Such as USDC.")],
    usd: Annotated[str, typer.Argument(help="Dollars for one token, a decimal.")],
    expires_at: Annotated[str | None, typer.Option(help="RFC 3339 instant; without it, until it is set again.")] = None,
) -> None:
    """Set what one token is worth."""
    body = {"usd": usd} | ({"expires_at": expires_at} if expires_at else {})
    session(context).show(session(context).operator.put(f"/v1/prices/{token}", body))
