"""``portcullis findings``: what detection found unusual, why, and the word that it was legitimate."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from portcullis.cli import output
from portcullis.cli.context import Session, session
from portcullis.cli.lists import Cursor, Limit

app = typer.Typer(no_args_is_help=True)
COLUMNS = {
    "FINDING": "id",
    "AGENT": "agent_id",
    "STATE": "state",
    "SEVERITY": "severity",
    "ACTION": "action",
    "EVENTS": "count",
    "SIGNALS": "signals",
    "LAST": "last_at",
}
SIGNAL_COLUMNS = {
    "SIGNAL": "name",
    "SEVERITY": "severity",
    "VALUE": "value",
    "THRESHOLD": "threshold",
    "IN WORDS": "detail",
}
LESSON_COLUMNS = {
    "AT": "at",
    "USD": "usd",
    "ASKED": "endpoint",
    "TO": "counterparty",
    "FROM": "ip",
    "COUNTRY": "country",
}
TABLES = ("signals", "lessons", "next")
"""What is shown below the fields of a finding."""

Finding = Annotated[str, typer.Argument(help="Finding id (fd_…).")]


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="open (unless given), released, closed, or all.")] = None,
    agent: Annotated[str | None, typer.Option(help="Only those of this agent (ag_…).")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List findings, newest first; the open ones unless another --state is given."""
    found = session(context)
    page = found.operator.get("/v1/findings", state=state, agent=agent, limit=limit, cursor=cursor)
    if not found.as_json:
        page["findings"] = [
            {**finding, "signals": [signal["name"] for signal in finding["signals"]]} for finding in page["findings"]
        ]
    found.show_list(page, "findings", COLUMNS)
    if page["findings"]:
        output.errors.print(f"why, and what to do: portcullis findings explain {page['findings'][0]['id']}")


@app.command()
def explain(context: typer.Context, finding: Finding) -> None:
    """Say why a finding was made, what it rests on, what a release of it would teach, and what to do next."""
    _explain(session(context), session(context).operator.get(f"/v1/findings/{finding}"))


@app.command()
def release(
    context: typer.Context, finding: Finding, reason: Annotated[str, typer.Option(help="Why; it is recorded.")]
) -> None:
    """Say that it was legitimate: the agent's profile learns it, and the like is no finding any more."""
    _explain(session(context), session(context).operator.post(f"/v1/findings/{finding}/release", {"reason": reason}))


def _explain(session: Session, finding: dict[str, Any]) -> None:
    if session.as_json:
        output.print_json(finding)
        return
    output.print_fields({name: value for name, value in finding.items() if name not in TABLES})
    output.print_table(finding["signals"], SIGNAL_COLUMNS, "no signals")
    if finding["lessons"]:
        learnt = "was learnt" if finding["state"] == "released" else "a release would teach"
        output.console.print(f"what {learnt}:")
        output.print_table(finding["lessons"], LESSON_COLUMNS, "nothing")
    for step in finding["next"]:
        output.console.print(f"{step['when']}:\n  [bold]{escape(step['command'])}[/bold]", soft_wrap=True)
