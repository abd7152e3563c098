"""``portcullis``: the commands and their common options."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from portcullis.cli import (
    agents,
    approvers,
    audit,
    decisions,
    findings,
    incident_evidence,
    incidents,
    keys,
    lists,
    lockdown,
    output,
    policy_trials,
    prices,
    profiles,
    recovery,
    root,
    rotation,
    scan,
    sources,
)
from portcullis.cli.context import Session
from portcullis.cli.failure import Failure
from portcullis.cli.target import LOCAL_FILE, URL_VARIABLE


class Commands(TyperGroup):
    """Lets ``--local`` stand without a path."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, with the path of this folder's local run after a bare ``--local``."""
        for index, argument in enumerate(args):
            if argument in self.commands:
                break
            following = args[index + 1] if index + 1 < len(args) else "--"
            if argument == "--local" and (following in self.commands or following.startswith("-")):
                return super().parse_args(ctx, [*args[: index + 1], str(LOCAL_FILE), *args[index + 1 :]])
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    help="Operate a Portcullis gateway. Exit codes: 0 done, 1 refused, 2 usage, 3 unreachable.",
)
agents.app.command()(profiles.profile)
agents.app.command()(profiles.reset_profile)
incidents.app.command()(recovery.recover)
incidents.app.command()(recovery.close)
incidents.app.command()(incident_evidence.evidence)
incidents.app.command()(incident_evidence.report)
app.add_typer(agents.app, name="agent", help="Agents: create, list, show, suspend, try out; what is usual for one.")
app.add_typer(keys.app, name="keys", help="Keys of an agent: issue, list, rotate, retire, revoke.")
app.add_typer(policy_trials.app, name="policy", help="The policy of an agent: draft, try out, publish, read.")
app.add_typer(prices.app, name="prices", help="What a token is worth in USD.")
app.add_typer(approvers.app, name="approver", help="Approvers: enrol, set up a device, confirm, list, revoke.")
app.add_typer(decisions.app, name="tx", help="One transaction: show, approve, deny, cancel, reconcile.")
app.add_typer(lists.transactions, name="transactions", help="Recorded transactions.")
app.add_typer(lists.events, name="events", help="Recorded changes by operators.")
app.add_typer(audit.app, name="audit", help=audit.HELP)
app.add_typer(rotation.app, name="rotate", help="The keys of a class, of older roots, or all: rotate or revoke.")
app.add_typer(root.app, name="root", help="The root of secrets: show its generations, advance, check before removal.")
app.add_typer(findings.app, name="findings", help="What agents did out of the ordinary: list, explain, release.")
app.add_typer(sources.app, name="sources", help="Addresses blocked for unproved requests: list, unblock.")
app.add_typer(
    incidents.app, name="incident", help="Agents that are cut off: start, list, show, resume, recover, close, report."
)
app.add_typer(lockdown.app, name="lockdown", help="Stop every agent at once; lift that in stages.")
app.command("scan-secrets")(scan.scan_secrets)


@app.callback()
def common(
    context: typer.Context,
    url: Annotated[str | None, typer.Option(envvar=URL_VARIABLE, help="Operator API, stage included.")] = None,
    region: Annotated[str | None, typer.Option(help="AWS region, if the URL does not tell.")] = None,
    local: Annotated[Path | None, typer.Option(help="local.json of a local run.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Without --url, the local run of this folder (.portcullis/local.json). --local goes before --url."""
    if context.obj is None:
        context.obj = Session(url, region, local, as_json)


def main() -> None:
    """The entry point: a foreseeable failure is one message and an exit code."""
    try:
        app()
    except Failure as failure:
        output.errors.print(f"[red]portcullis:[/red] {escape(str(failure))}", soft_wrap=True)
        raise SystemExit(failure.exit_code) from None
