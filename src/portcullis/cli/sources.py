"""``portcullis sources``: the addresses that are blocked for what they sent without proof of who they are."""

from typing import Annotated

import typer

from portcullis.cli import output
from portcullis.cli.context import session

app = typer.Typer(no_args_is_help=True)
COLUMNS = {"ADDRESS": "address", "SINCE": "since", "UNTIL": "until", "TIMES": "times", "REASON": "reason"}


@app.command("list")
def list_(context: typer.Context) -> None:
    """List the blocked addresses, the last to end first, and until when each is."""
    page = session(context).operator.get("/v1/sources")
    session(context).show_list(page, "sources", COLUMNS)
    if page["sources"]:
        output.errors.print("to let one in again: portcullis sources unblock ADDRESS --reason …")


@app.command()
def unblock(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="As the list shows it.")],
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
) -> None:
    """Let an address send again, within a minute. It is blocked again, for longer, if it goes on as before."""
    body = {"address": address, "reason": reason}
    session(context).show(session(context).operator.post("/v1/sources/unblock", body))
