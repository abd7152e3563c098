"""The way back of an agent that was cut off: reviewed, confirmed, closed, each in one write with what it needs.

A code is used by the write that it allows; where there is nothing to write, it is used up all the same.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from portcullis.aws import (
    accounts,
    approvers,
    changes,
    detection_changes,
    enrolment,
    fleet,
    incident_sources,
    incidents,
    key_revoking,
    publishing,
)
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.codes import Presented
from portcullis.aws.dynamo import Cancelled, Table
from portcullis.aws.expressions import Update
from portcullis.aws.policies import Policies
from portcullis.aws.wire import Unavailable
from portcullis.domain import incident_recovery as recovery
from portcullis.domain.account import ACTIVE, Account
from portcullis.domain.approvers import Approver
from portcullis.domain.incident_recovery import Refused, Standing
from portcullis.domain.incidents import Incident, Review
from portcullis.domain.lockdown import NO_NEW_AGENT
from portcullis.domain.policy_document import parse_document
from portcullis.protocol.strict_json import parse_object

REVIEWED, RECOVERED = "incident.reviewed", "incident.recovered"
UNBLOCKED_BECAUSE = "its incident was reviewed"
Actions = list[dict[str, Any]]
Outcome = TypeVar("Outcome")


class Recovery:
    """Of the agents of one ``stage``, whose keys and policies it looks at; ``profiles`` has the blocked addresses."""

    def __init__(self, core: Table, profiles: Table, policies: Policies, stage: str) -> None:
        self._core = core
        self._profiles = profiles
        self._policies = policies
        self._stage = stage

    def standing(self, incident: Incident, now: int) -> Standing:
        """The incident with all that its checklist looks at, as it is now."""
        account = accounts.read(self._core, incident.agent)
        if account is None:
            raise Unavailable("the account of the incident is not stored")
        keys = key_revoking.usable(self._core, account, self._stage)
        return Standing(incident, account, len(keys), len(incident_sources.standing(self._profiles, incident.id, now)))

    def review(self, actor: Actor, incident_id: str, review: Review, presented: Presented) -> Incident | None:
        """Write down that an approver has gone through the checklist. None: no such incident. Raises Conflict."""

        def plan(incident: Incident) -> tuple[Incident, Actions]:
            after = accepted(recovery.reviewed(self.standing(incident, actor.now), review))
            return (after, incidents.writing(incident, after, actor, REVIEWED)) if after else (incident, [])

        return _by_code(self._core, incident_id, presented, plan)

    def confirm(self, actor: Actor, incident_id: str, reviewed_at: str, presented: Presented) -> Incident | None:
        """Bring the agent back, as another approver confirms the review of this instant, and let addresses in again.
        None: no such incident. Raises Conflict. Again: what is left of it."""
        found = _by_code(
            self._core,
            incident_id,
            presented,
            lambda incident: self._returning(incident, actor, reviewed_at, presented),
        )
        if found and self.standing(found, actor.now).to_unblock:
            incident_sources.lift(self._profiles, found.id, actor.arn, UNBLOCKED_BECAUSE, actor.now)
        return found

    def _returning(
        self, incident: Incident, actor: Actor, reviewed_at: str, presented: Presented
    ) -> tuple[Incident, Actions]:
        now = self.standing(incident, actor.now)
        reviewer = approvers.read(self._core, incident.review.by) if incident.review else None
        after = accepted(recovery.recovered(now, reviewer, presented.approver, reviewed_at, actor.now))
        if after is None or reviewer is None:
            return incident, []
        if fleet.Gate(self._core).is_closed():
            raise Conflict(NO_NEW_AGENT)
        detection_changes.end_episode(self._profiles, incident.agent)
        account = changes.actions(now.account, actor, self._return(now.account, actor, after))
        told = incidents.writing(incident, after, actor, RECOVERED)
        return after, [*account, *told, _is_active(reviewer), fleet.open_check()]

    def _return(self, account: Account, actor: Actor, incident: Incident) -> Change:
        """The agent is active in a new epoch, under a new version of its policy at low trust, which it has to earn
        anew."""
        document = recovery.lowered(parse_document(parse_object(self._policies.text(account.policy_sha256))))
        sha256 = self._policies.put(document.text())
        published = publishing.publication(self._core, account, sha256, document.trust, actor, anew=True)
        rev, epoch = account.rev + 2, account.epoch + 1
        told = changes.event_put(actor, account.agent, accounts.partition(account.agent), rev, published, account.agent)
        return Change(
            "agent.recovered",
            {"incident": incident.id, "epoch": epoch, **published.data},
            others=[*published.others, told],
            sets={**published.sets, "state": ACTIVE, "epoch": epoch, "rev": rev},
            clauses=f"{published.clauses}, incident",
        )


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
            if not cancelled.failed(0):
                continue
            if incidents.find(table, incident_id) != after:  # else it was made, and the answer lost on its way
                raise enrolment.refused() from None
        return after
    raise Unavailable("the incident was contended")


def _use_up(table: Table, presented: Presented) -> None:
    if not presented.spend(table):
        raise enrolment.refused()


def _is_active(approver: Approver) -> dict[str, Any]:
    """The check that whoever reviewed is an approver still."""
    check = Update()
    check.require(state="active", identity=approver.identity)
    return check.action(approvers.primary_key(approver.id))
