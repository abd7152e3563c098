"""``portcullis incident recover`` and ``close``: the way back of an agent that was cut off, and what it was."""

from typing import Annotated, Any, Literal

import typer

from portcullis.cli import output
from portcullis.cli.codes import APPROVER_VARIABLE, Code, asked
from portcullis.cli.context import Session, session
from portcullis.cli.failure import REFUSED, USAGE, Failure
from portcullis.cli.incidents import Incident, tell, tell_checklist

ONE_OF_BOTH = "either --cause, --policy-version and --addresses to review, or --confirm"


def recover(
    context: typer.Context,
    incident: Incident,
    approver: Annotated[
        str | None,
        typer.Option("--approver", envvar=APPROVER_VARIABLE, help="Whose code this takes (ap_…), called as them."),
    ] = None,
    cause: Annotated[str | None, typer.Option(help="Review: why it happened.")] = None,
    policy_version: Annotated[
        int | None, typer.Option(min=1, help="Review: the version of the policy whose allowlists are right.")
    ] = None,
    addresses: Annotated[
        Literal["keep", "unblock"] | None, typer.Option(help="Review: what becomes of the addresses that were blocked.")
    ] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="Confirm the review, as another person.")] = False,
    code: Code = None,
) -> None:
    """Bring an agent back: one person reviews, another one confirms; without options, say what is missing."""
    review = {"cause": cause, "policy_version": policy_version, "addresses": addresses}
    given = [value for value in review.values() if value is not None]
    if (given or confirm) and (approver is None or len(given) != (0 if confirm else len(review))):
        raise Failure(f"give --approver, and {ONE_OF_BOTH}", USAGE)
    found = session(context).operator.get(f"/v1/incidents/{incident}")
    if confirm:
        _send(context, f"{approver}/recoveries", code, {"incident_id": found["id"], "reviewed_at": _show_review(found)})
    elif given:
        _show_allowlist(session(context), found["agent_id"], policy_version)
        _send(context, f"{approver}/incident-reviews", code, {"incident_id": found["id"], **review})
    else:
        tell_checklist(session(context), found)


def close(
    context: typer.Context,
    incident: Incident,
    outcome: Annotated[Literal["compromise", "false_alarm", "drill"], typer.Option(help="What it was.")],
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
) -> None:
    """Say what an incident was. A false alarm teaches the agent's profile, and nothing else does."""
    body = {"outcome": outcome, "reason": reason}
    tell(session(context), session(context).operator.post(f"/v1/incidents/{incident}/close", body))


def _send(context: typer.Context, path: str, code: str | None, body: dict[str, Any]) -> None:
    body["code"] = asked(code)
    tell(session(context), session(context).operator.post(f"/v1/approvers/{path}", body))


def _show_review(incident: dict[str, Any]) -> str:
    """Show what is confirmed, and give the instant that names it."""
    if "review" not in incident:
        raise Failure("nobody has reviewed this incident; see: portcullis incident recover " + incident["id"], REFUSED)
    output.print_fields({"agent": incident["agent_id"], **incident["review"]}, output.errors)
    reviewed_at: str = incident["review"]["at"]
    return reviewed_at


def _show_allowlist(session: Session, agent: str, version: int | None) -> None:
    """Show what is reviewed."""
    policy = session.operator.get(f"/v1/agents/{agent}/policy/versions/{version}")["policy"]
    output.print_fields({"agent": agent, **policy["allowlist"]}, output.errors)
