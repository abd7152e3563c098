"""The way back of an agent that was cut off: reviewed, confirmed, closed, each in one write with what it needs.

A code is used by the write that it allows; where there is nothing to write, it is used up all the same.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from portcullis.aws import accounts, approvers, changes, enrolment, incidents, key_revoking, publishing
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.codes import Presented
from portcullis.aws.dynamo import Cancelled, Table
from portcullis.aws.expressions import Update
from portcullis.aws.policies import Policies
from portcullis.aws.wire import Unavailable
from portcullis.domain import incident_recovery as recovery
from portcullis.domain.account import Account
from portcullis.domain.approvers import Approver
from portcullis.domain.incident_recovery import Refused, Standing
from portcullis.domain.incidents import Incident, Review
from portcullis.domain.policy_document import parse_document
from portcullis.protocol.strict_json import parse_object

REVIEWED, RECOVERED = "incident.reviewed", "incident.recovered"
Actions = list[dict[str, Any]]
Outcome = TypeVar("Outcome")


def standing(table: Table, incident: Incident, stage: str) -> Standing:
    """The incident with its agent's account as it is now, and how many of its keys are not revoked."""
    account = accounts.read(table, incident.agent)
    if account is None:
        raise Unavailable("the account of the incident is not stored")
    return Standing(incident, account, len(key_revoking.usable(table, account, stage)))


def review(
    table: Table, stage: str, actor: Actor, incident_id: str, wanted: Review, presented: Presented
) -> Incident | None:
    """Write down that an approver has gone through the checklist. None: no such incident. Raises Conflict."""

    def plan(incident: Incident) -> tuple[Incident, Actions]:
        after = accepted(recovery.reviewed(standing(table, incident, stage), wanted))
        return (after, incidents.writing(incident, after, actor, REVIEWED)) if after else (incident, [])

    return _by_code(table, incident_id, presented, plan)


def recover(
    table: Table,
    policies: Policies,
    stage: str,
    actor: Actor,
    incident_id: str,
    reviewed_at: str,
    presented: Presented,
) -> Incident | None:
    """Bring the agent back, as another approver confirms the review of this instant. None: no such incident. Raises
    Conflict. Again: no change."""

    def plan(incident: Incident) -> tuple[Incident, Actions]:
        now = standing(table, incident, stage)
        reviewer = approvers.read(table, incident.review.by) if incident.review else None
        after = accepted(recovery.recovered(now, reviewer, presented.approver, reviewed_at, actor.now))
        if after is None or reviewer is None:
            return incident, []
        returning = changes.actions(now.account, actor, _return(table, policies, now.account, actor, after))
        return after, [*returning, *incidents.writing(incident, after, actor, RECOVERED), _is_active(reviewer)]

    return _by_code(table, incident_id, presented, plan)


def accepted(outcome: Outcome | Refused) -> Outcome:
    """What was decided; raises Conflict where it is a refusal."""
    if isinstance(outcome, Refused):
        raise Conflict(outcome.detail)
    return outcome


def _by_code(
    table: Table, incident_id: str, presented: Presented, plan: Callable[[Incident], tuple[Incident, Actions]]
) -> Incident | None:
    """Make the write that ``plan`` says of the incident as it is now, and use the code in it."""
    for _ in changes.attempts():
        incident = incidents.find(table, incident_id)
        try:
            after, actions = plan(incident) if incident else (None, [])
        except Conflict:
            _use_up(table, presented)
            raise
        if not actions:
            _use_up(table, presented)
            return after
        try:
            table.transact(presented.action(), *actions)
        except Cancelled as cancelled:
            if cancelled.failed(0):
                raise enrolment.refused() from None
            continue
        return after
    raise Unavailable("the incident was contended")


def _use_up(table: Table, presented: Presented) -> None:
    if not presented.spend(table):
        raise enrolment.refused()


def _return(table: Table, policies: Policies, account: Account, actor: Actor, incident: Incident) -> Change:
    """The agent is active in a new epoch, under a new version of its policy at low trust, which it has from now on."""
    document = recovery.lowered(parse_document(parse_object(policies.text(account.policy_sha256))))
    published = publishing.publication(table, account, policies.put(document.text()), document.trust, actor, anew=True)
    rev, epoch = account.rev + 2, account.epoch + 1
    partition = accounts.partition(account.agent)
    return Change(
        "agent.recovered",
        {"incident": incident.id, "epoch": epoch, **published.data},
        others=[*published.others, changes.event_put(actor, account.agent, partition, rev, published, account.agent)],
        sets={**published.sets, "state": "active", "epoch": epoch, "rev": rev},
        clauses=f"{published.clauses}, incident",
    )


def _is_active(approver: Approver) -> dict[str, Any]:
    """The check that whoever reviewed is an approver still."""
    check = Update()
    check.require(state="active", identity=approver.identity)
    return check.action(approvers.primary_key(approver.id))
