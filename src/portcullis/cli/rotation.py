"""``portcullis rotate``: jobs over the keys of all agents, driven from here or left to the gateway."""

import time
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn

from portcullis.cli import output
from portcullis.cli.context import Session, session
from portcullis.cli.failure import REFUSED, USAGE, Failure

app = typer.Typer(invoke_without_command=True)
INTERRUPTED = 130
COLUMNS = {
    "JOB": "job_id",
    "ACTION": "action",
    "STATE": "state",
    "KEYS": "keys.seen",
    "DONE": "keys.done",
    "OUTSTANDING": "keys.outstanding",
    "FAILED": "keys.failed",
    "CREATED": "created_at",
    "REASON": "reason",
}
KEY_COLUMNS = {"KEY": "key_id", "AGENT": "agent_id", "WAITS FOR": "waits_for", "ERROR": "error"}
Job = Annotated[str, typer.Argument(help="Job id (kj_…).")]


@app.callback()
def rotate(
    context: typer.Context,
    key_class: Annotated[str | None, typer.Option("--class", help="The keys of this class.")] = None,
    before_current: Annotated[
        bool, typer.Option("--generation-before-current", help="The keys of roots older than the current one.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Every key.")] = False,
    overlap: Annotated[
        int | None, typer.Option(min=30, help="Seconds that old keys stay valid, if less than the stage's.")
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="End them at once instead; needs --yes.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, end these keys.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why; it is recorded.")] = None,
    resume: Annotated[str | None, typer.Option(help="Go on with this job.")] = None,
) -> None:
    """Rotate the keys of a class, those of older roots, or all; or revoke them. It can be interrupted and resumed."""
    if context.invoked_subcommand is not None:
        return
    chosen = {"key_class": key_class, "generation": "before_current" if before_current else None, "all": every or None}
    given = {name: value for name, value in chosen.items() if value is not None}
    if len(given) + (resume is not None) != 1:
        raise Failure("give one of --class, --generation-before-current, --all and --resume", USAGE)
    if resume is None:
        if reason is None or (revoke and not yes):
            raise Failure("give --reason, and with --revoke --yes: those agents stop until they get new keys", USAGE)
        body: dict[str, Any] = {"action": "revoke" if revoke else "rotate", "reason": reason, **given}
        body |= {} if overlap is None else {"overlap_seconds": overlap}
        resume = session(context).operator.create("/v1/key-jobs", body)["job_id"]
    _finish(session(context), _driven(session(context), resume))


@app.command()
def status(context: typer.Context, job: Annotated[str | None, typer.Argument(help="One job.")] = None) -> None:
    """Show a job and what is left of it, or list all jobs."""
    if job is None:
        session(context).show_list(session(context).operator.get("/v1/key-jobs"), "jobs", COLUMNS)
    else:
        _finish(session(context), session(context).operator.get(f"/v1/key-jobs/{job}"))


@app.command()
def cancel(context: typer.Context, job: Job) -> None:
    """End a job. What it has done stays done."""
    session(context).show(session(context).operator.post(f"/v1/key-jobs/{job}/cancel"))


def _driven(session: Session, job_id: str) -> dict[str, Any]:
    """The job, when it has come to its end or to what others have to do."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total} keys"))
    try:
        with Progress(*columns, console=output.errors, disable=session.as_json) as progress:
            bar = progress.add_task(job_id, total=None)
            while True:
                # Under an Idempotency-Key, for a slice can be asked for again when its answer is lost.
                job = session.operator.create(f"/v1/key-jobs/{job_id}/run", {})
                counts, agents = job["keys"], job["agents"]["seen"]
                settled = counts["done"] + counts["failed"]
                progress.update(bar, completed=settled, total=counts["seen"], description=f"{agents} agents")
                if job["state"] != "running" or (job["agents"]["all_seen"] and not job["waiting_for"]["gateway"]):
                    return job
                if not job["worked"]:
                    time.sleep(1)
    except KeyboardInterrupt:
        then = f"portcullis rotate --resume {job_id}"
        output.errors.print(
            f"The gateway goes on by itself. To watch: {then}; to stop it: portcullis rotate cancel {job_id}"
        )
        raise typer.Exit(INTERRUPTED) from None


def _finish(session: Session, job: dict[str, Any]) -> None:
    """What became of it, and what is left for whom."""
    session.show(job)
    if job["keys"]["failed"]:
        _show_keys(session, job, "failed")
        raise typer.Exit(REFUSED)
    if job["state"] == "running" and job["keys"]["outstanding"]:
        _show_keys(session, job, "outstanding")


def _show_keys(session: Session, job: dict[str, Any], status: str) -> None:
    if session.as_json:
        return
    page = session.operator.get(f"/v1/key-jobs/{job['job_id']}/keys", status=status)
    output.print_table(page["keys"], KEY_COLUMNS, f"no {status} keys")
    for key in page["keys"]:
        if key["waits_for"] == "hand":
            command = f"portcullis keys rotate {key['agent_id']} {key['key_id']}"
            output.console.print(command, markup=False, soft_wrap=True)
    if page["cursor"]:
        output.console.print("and more: run it again when these are done", soft_wrap=True)
