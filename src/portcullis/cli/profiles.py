"""``portcullis agent profile`` and ``agent reset-profile``: what detection holds for usual of an agent."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from portcullis.cli import output
from portcullis.cli.agents import Agent
from portcullis.cli.context import session
from portcullis.cli.failure import REFUSED, USAGE, Failure

ADDRESS_COLUMNS = {
    "ADDRESS (DIGEST)": "address",
    "NETWORK (DIGEST)": "network",
    "COUNTRY": "country",
    "KNOWN": "known",
    "FIRST": "first_at",
    "LAST": "last_at",
}
TABLES = ("addresses", "export")
"""What is not shown as a field."""


def profile(
    context: typer.Context,
    agent: Agent,
    export: Annotated[Path | None, typer.Option(help="Keep the packed profile in this new file, as JSON.")] = None,
) -> None:
    """Show what is usual for an agent: amounts, hours, rate, endpoints, addresses."""
    found = session(context).operator.get(f"/v1/agents/{agent}/profile")
    if export is not None:
        _keep(found, export)
    if session(context).as_json:
        output.print_json(found)
        return
    output.print_fields({name: value for name, value in found.items() if name not in TABLES})
    output.print_table(found["addresses"], ADDRESS_COLUMNS, "no addresses")
    if found["open_finding"]:
        output.errors.print(f"why it is watched: portcullis findings explain {found['open_finding']}")


def reset_profile(
    context: typer.Context, agent: Agent, reason: Annotated[str, typer.Option(help="Why; it is recorded.")]
) -> None:
    """Forget what is usual for an agent, when its purpose has changed: it is judged like a new one again."""
    session(context).show(session(context).operator.post(f"/v1/agents/{agent}/profile/reset", {"reason": reason}))


def _keep(found: dict[str, Any], file: Path) -> None:
    """Never over what is there: an older export may be the only one of its time."""
    if found["export"] is None:
        raise Failure("nothing was learnt of this agent yet; export its profile after its first requests", REFUSED)
    packed = {"agent_id": found["agent_id"], **found["export"]}
    try:
        with file.open("x", encoding="ascii") as stream:
            stream.write(json.dumps(packed) + "\n")
    except FileExistsError:
        raise Failure(f"{file} is there already; give --export another name", USAGE) from None
    except OSError as error:
        raise Failure(f"cannot write {file}: {error.strerror}", USAGE) from None
