"""``portcullis prices``."""

from typing import Annotated

import typer

from portcullis.cli import output
from portcullis.cli.context import session
from portcullis.cli.failure import USAGE, Failure

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
    expires_at: Annotated[str | None, typer.Option(help="RFC 3339 instant; without it, a day from now.")] = None,
    max_age: Annotated[
        int | None, typer.Option(help="Seconds that it holds, and that a feed renews it for; 86400 without it.")
    ] = None,
    peg: Annotated[bool, typer.Option("--peg", help="Never expires, as for a token pegged to the dollar.")] = False,
) -> None:
    """Set what one token is worth."""
    if sum((peg, expires_at is not None, max_age is not None)) > 1:
        raise Failure("give one of --peg, --expires-at and --max-age", USAGE)
    body: dict[str, str | int | None] = {"usd": usd}
    if peg or expires_at:
        body["expires_at"] = expires_at
    if max_age is not None:
        body["max_age_seconds"] = max_age
    session(context).show(session(context).operator.put(f"/v1/prices/{token}", body))
