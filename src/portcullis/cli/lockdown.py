"""``portcullis lockdown``: stop every agent, and let them go again in stages."""

import time
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn

from portcullis.cli import output
from portcullis.cli.codes import APPROVER_VARIABLE, Code, asked
from portcullis.cli.context import Session, session
from portcullis.cli.failure import REFUSED, USAGE, Failure

app = typer.Typer(no_args_is_help=True)
INTERRUPTED = 130
PATH = "/v1/lockdown"
COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    TextColumn("{task.completed}/{task.total} agents, {task.fields[rate]}/s"),
)


@app.command()
def start(context: typer.Context, reason: Annotated[str, typer.Option(help="Why; it is recorded.")]) -> None:
    """Stop every agent: most of it within a second, and for sure once this ends with 0. Their keys stay."""
    session(context).operator.create(PATH, {"reason": reason})
    if _drive(session(context)) != "locked":
        raise Failure("the lockdown was lifted before it was complete: see portcullis lockdown status", REFUSED)


@app.command()
def status(context: typer.Context) -> None:
    """Show whether the fleet is in lockdown, and how far its work is."""
    session(context).show(session(context).operator.get(PATH))


@app.command()
def resume(context: typer.Context) -> None:
    """Go on with what was interrupted, locking or lifting. The gateway does so by itself, every minute."""
    _drive(session(context))


@app.command()
def lift(
    context: typer.Context,
    approver: Annotated[
        str, typer.Option(envvar=APPROVER_VARIABLE, help="Whose code this takes (ap_…); not who has started it.")
    ],
    agents: Annotated[list[str] | None, typer.Option("--agent", help="This agent; give it again for more.")] = None,
    share: Annotated[int | None, typer.Option(min=1, max=100, help="This percentage of those still locked.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Whoever is still locked; this ends the lockdown.")] = False,
    code: Code = None,
) -> None:
    """Let agents go again that were active before, with the keys they have: some, then a share, then all."""
    chosen = {"agents": agents or None, "share": share, "all": every or None}
    given = {name: value for name, value in chosen.items() if value is not None}
    if len(given) != 1:
        raise Failure("give one of --agent, --share and --all", USAGE)
    session(context).operator.post(f"/v1/approvers/{approver}/lockdown-lifts", {**given, "code": asked(code)})
    _drive(session(context))


def _drive(session: Session) -> str:
    """Do the work until it is reported to be complete, and show what became of it: the state that the fleet is in."""
    try:
        with Progress(*COLUMNS, console=output.errors, disable=session.as_json) as progress:
            found = _driven(session, progress)
    except KeyboardInterrupt:
        output.errors.print("NOT complete yet. The gateway goes on by itself; to watch: portcullis lockdown resume")
        raise typer.Exit(INTERRUPTED) from None
    session.show(found)
    return str(found["state"])


def _driven(session: Session, progress: Progress) -> dict[str, Any]:
    bar, began, done = progress.add_task("", total=None, rate=0), time.monotonic(), 0
    while True:
        # Under an Idempotency-Key, for a slice can be asked for again when its answer is lost.
        found = session.operator.create(f"{PATH}/run", {})
        worked = found.pop("worked")
        agents = found.get("agents", {"seen": 0, "total": 0, "locked": 0})
        done = max(done, agents["seen"])
        rate = round(done / max(time.monotonic() - began, 0.001))
        told = f"{found['state']}, {agents['locked']} locked"
        progress.update(bar, completed=agents["seen"], total=agents["total"], description=told, rate=rate)
        if not _is_left(found):
            return found
        if not worked:
            time.sleep(1)


def _is_left(found: dict[str, Any]) -> bool:
    """Whether there is work left: accounts to lock, or a stage to lift."""
    return found["state"] == "locking" or "stage" in found
