"""``portcullis approver``."""

import io
from typing import Annotated, Any

import segno
import typer

from portcullis.cli import output
from portcullis.cli.codes import Code, Speaker, asked
from portcullis.cli.context import session
from portcullis.cli.failure import USAGE, Failure

app = typer.Typer(no_args_is_help=True)
COLUMNS = {
    "APPROVER": "approver_id",
    "NAME": "name",
    "STATE": "state",
    "IDENTITY": "identity",
    "SPONSOR": "sponsor",
    "CREATED": "created_at",
}

Approver = Annotated[str, typer.Argument(help="Approver id (ap_…).")]


@app.command()
def enroll(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The person, as their app and the records show them.")],
    identity: Annotated[str | None, typer.Option(help="ARN of their IAM user or role.")] = None,
    sponsor: Annotated[str | None, typer.Option(help="The active approver whose code this takes (ap_…).")] = None,
    code: Code = None,
) -> None:
    """Enrol a person. The very first enrols themselves, without a sponsor; any other with --identity and --sponsor."""
    operator = session(context).operator
    if (identity is None) != (sponsor is None):
        raise Failure("give --identity and --sponsor together; neither for the very first approver", USAGE)
    if sponsor is None:
        enrolled = operator.create("/v1/approvers", {"name": name})
        output.errors.print(f"enrolled as {enrolled['approver_id']}")
        _show_device(context, enrolled["approver_id"])
        return
    body = {"name": name, "identity": identity, "code": asked(code)}
    session(context).show(operator.create(f"/v1/approvers/{sponsor}/enrolments", body))
    output.errors.print("They have an hour, with AWS credentials of their own, for: portcullis approver device")


@app.command()
def device(context: typer.Context, approver: Approver) -> None:
    """Set up your own device: shows the QR code of your secret, this once."""
    _show_device(context, approver)


@app.command()
def confirm(context: typer.Context, approver: Approver, code: Code = None) -> None:
    """Prove your device by its first code; from then on you can approve."""
    body = {"code": asked(code)}
    session(context).show(session(context).operator.post(f"/v1/approvers/{approver}/confirm", body))


@app.command("list")
def list_(context: typer.Context) -> None:
    """List every approver there ever was."""
    session(context).show_list(session(context).operator.get("/v1/approvers"), "approvers", COLUMNS)


@app.command()
def revoke(context: typer.Context, approver: Approver, speaker: Speaker, code: Code = None) -> None:
    """End an approver, by the code of another one."""
    body = {"approver_id": approver, "code": asked(code)}
    session(context).show(session(context).operator.post(f"/v1/approvers/{speaker}/revocations", body))


def _show_device(context: typer.Context, approver: str) -> None:
    shown = session(context).operator.create(f"/v1/approvers/{approver}/device", {})
    if not session(context).as_json:
        output.console.print(_qr(shown["uri"]), markup=False, soft_wrap=True)
    session(context).show(shown)
    then = f"portcullis approver confirm {shown['approver_id']}"
    output.errors.print(f"[yellow]The secret is shown once. Scan it now, then: {then}[/yellow]")


def _qr(uri: Any) -> str:
    """The QR code in half blocks, light on dark as terminals are."""
    drawn = io.StringIO()
    segno.make(uri, error="l", micro=False).terminal(out=drawn, compact=True)
    return drawn.getvalue()
