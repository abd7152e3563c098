"""``portcullis root``: the generations of the root that every secret comes from."""

from typing import Annotated, Any

import typer

from portcullis.cli import output
from portcullis.cli.context import Session, session
from portcullis.cli.failure import REFUSED, USAGE, Failure

app = typer.Typer(no_args_is_help=True)
COLUMNS = {"GENERATION": "generation", "KEYS": "keys", "APPROVERS": "approvers", "TO REMOVE IT": "obstacle"}
Generation = Annotated[str, typer.Argument(help="One digit or letter, as the stage names it.")]


@app.command()
def show(context: typer.Context) -> None:
    """Show the generations, what still needs each, and what stands in the way of removing it."""
    _show(session(context), session(context).operator.get("/v1/root"))


@app.command()
def advance(context: typer.Context, generation: Generation) -> None:
    """Let new keys be of this generation from now on. It never goes back."""
    _show(session(context), session(context).operator.post("/v1/root/generation", {"generation": generation}))


@app.command()
def check(context: typer.Context, generation: Generation) -> None:
    """Whether this generation can be removed from the stage; exit code 1 when it cannot."""
    found = session(context).operator.get("/v1/root")
    named = [each for each in found["generations"] if each["generation"] == generation]
    if not named:
        raise Failure(f"no root of generation {generation} is deployed", USAGE)
    if named[0]["obstacle"] is not None:
        raise Failure(f"generation {generation} cannot be removed: {named[0]['obstacle']}", REFUSED)
    session(context).show(named[0])


def _show(session: Session, root: dict[str, Any]) -> None:
    if session.as_json:
        output.print_json(root)
        return
    counted = root["counted_at"] or "not yet"
    output.console.print(f"new keys are of generation {root['current']}; keys were counted: {counted}", markup=False)
    output.print_table(root["generations"], COLUMNS, "no generations")
