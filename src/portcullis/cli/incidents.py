"""``portcullis incident``: an agent is cut off, what was done about it, and what is left."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from portcullis.cli import output
from portcullis.cli.agents import Agent
from portcullis.cli.context import Session, session
from portcullis.cli.lists import Cursor, Limit

app = typer.Typer(no_args_is_help=True)
COLUMNS = {
    "INCIDENT": "id",
    "AGENT": "agent_id",
    "STATE": "state",
    "SEVERITY": "severity",
    "OPENED": "opened_at",
    "CONTAINED": "contained_at",
    "WHY": "why",
}
STEP_COLUMNS = {"STEP": "name", "STATE": "state", "AT": "at", "ATTEMPTS": "attempts", "RESULT": "result"}
CHECKLIST_COLUMNS = {"": "mark", "TO DO": "name", "WHAT": "what"}
TRIGGER_COLUMNS = {"TRIGGER": "kind", "AT": "at", "SEVERITY": "severity", "REASON": "reason", "BY": "actor"}
TABLES = ("triggers", "steps", "checklist")
"""What is shown below the fields of an incident."""

Incident = Annotated[str, typer.Argument(help="Incident id (in_…).")]


@app.command()
def start(
    context: typer.Context,
    agent: Agent,
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    severity: Annotated[int, typer.Option(min=1, max=10, help="How grave it is.")] = 8,
) -> None:
    """Cut an agent off: nothing of it commits any more, then its keys are revoked and evidence is kept."""
    body = {"reason": reason, "severity": severity}
    incident = session(context).operator.create(f"/v1/agents/{agent}/incidents", body)
    tell(session(context), incident)
    output.errors.print(f"how far it is: portcullis incident show {incident['id']}")


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="open (unless given), recovered, closed, or all.")] = None,
    agent: Annotated[str | None, typer.Option(help="Only those of this agent (ag_…).")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List incidents, newest first; the open ones unless another --state is given."""
    found = session(context)
    page = found.operator.get("/v1/incidents", state=state, agent=agent, limit=limit, cursor=cursor)
    if not found.as_json:
        page["incidents"] = [{**each, "why": each["triggers"][0]["reason"]} for each in page["incidents"]]
    found.show_list(page, "incidents", COLUMNS)
    if page["incidents"]:
        output.errors.print(f"what is left to do: portcullis incident show {page['incidents'][0]['id']}")


@app.command()
def show(context: typer.Context, incident: Incident) -> None:
    """Show what was done about an incident, and what is left with the command that does it."""
    tell(session(context), session(context).operator.get(f"/v1/incidents/{incident}"))


@app.command()
def resume(context: typer.Context, incident: Incident) -> None:
    """Have the steps done again that failed or were never reported."""
    tell(session(context), session(context).operator.post(f"/v1/incidents/{incident}/resume"))


def tell(session: Session, incident: dict[str, Any]) -> None:
    """An incident, its steps, and what is left to do with the next command."""
    if session.as_json:
        output.print_json(incident)
        return
    output.print_fields({name: value for name, value in incident.items() if name not in TABLES})
    output.print_table(incident["triggers"], TRIGGER_COLUMNS, "no triggers")
    output.print_table([{"name": name, **step} for name, step in incident["steps"].items()], STEP_COLUMNS, "no steps")
    if "checklist" in incident:
        tell_checklist(session, incident)


def tell_checklist(session: Session, incident: dict[str, Any]) -> None:
    """What is left to do, and the next command."""
    if session.as_json:
        output.print_json(incident)
        return
    checklist = incident["checklist"]
    rows = [{**item, "mark": "x" if item["done"] else "-"} for item in checklist]
    output.print_table(rows, CHECKLIST_COLUMNS, "nothing is left to do")
    left = [item for item in checklist if not item["done"]]
    if left:
        output.console.print(f"next:\n  [bold]{escape(left[0]['command'])}[/bold]", soft_wrap=True)
