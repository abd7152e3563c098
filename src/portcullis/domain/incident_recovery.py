"""The way back of an agent that was cut off: what it takes, who has to say so, and at which trust it returns.

Two people bring an agent back. One goes through the checklist and says so (`reviewed`), another one confirms exactly
that (`recovered`); it then is active in a new epoch, at low trust, without a key.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from portcullis.domain import money, times
from portcullis.domain.account import Account
from portcullis.domain.approvers import Approver
from portcullis.domain.incidents import CLOSED, DONE, OPEN, RECOVERED, UNBLOCK, WATCHED, Incident, Review
from portcullis.domain.policy_document import PolicyDocument, parse_document
from portcullis.domain.trust import LIMITS

REQUIRED = ("keys", "transactions")
"""The steps without which nobody comes back: a key that is not revoked would still pass the authorizer."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An incident as it is now, its agent's account, how many of the agent's keys are not revoked, and how many of the
    addresses are blocked that the incident has blocked."""

    incident: Incident
    account: Account
    keys: int
    blocked: int

    def done(self, step: str) -> bool:
        """Whether a step is done."""
        return self.incident.steps[step].state == DONE

    @property
    def to_unblock(self) -> int:
        """How many addresses are blocked that are to be let in again."""
        review = self.incident.review
        return self.blocked if self.incident.state == RECOVERED and review and review.addresses == UNBLOCK else 0

    @property
    def reviewed(self) -> bool:
        """Whether somebody has gone through what is in force now."""
        review = self.incident.review
        return review is not None and review.policy_version == self.account.policy_version


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not, by a ``name``, and in words what to do."""

    name: str
    detail: str


def reviewed(standing: Standing, review: Review) -> Incident | Refused | None:
    """The open incident with this review; None where it has it already, from the same approver."""
    incident, version = standing.incident, standing.account.policy_version
    if incident.state != OPEN:
        return Refused("not_open", f"The incident is {incident.state}; there is nothing to review any more.")
    if review.policy_version != version:
        detail = f"Version {version} of the policy is in force, not {review.policy_version}. Review its allowlists."
        return Refused("policy_changed", detail)
    if incident.review is not None and replace(incident.review, at=review.at) == review:
        return None
    return replace(incident, rev=incident.rev + 1, review=review)


def recovered(
    standing: Standing, reviewer: Approver | None, confirmer: Approver, reviewed_at: str, at: int
) -> Incident | Refused | None:
    """The incident as its agent comes back; None where it has. ``reviewer`` is who its review is by, as they are now;
    ``reviewed_at`` the instant of the review that ``confirmer`` has read."""
    incident = standing.incident
    if incident.state == RECOVERED:
        return None
    refused = next(_obstacles(standing), None) or next(_second_person(incident, reviewer, confirmer, reviewed_at), None)
    if refused is not None:
        return refused
    return replace(
        incident,
        state=RECOVERED,
        rev=incident.rev + 1,
        recovered_at=at,
        recovered_by=confirmer.id,
        watched_until=at + WATCHED,
    )


def closed(incident: Incident, outcome: str, reason: str, by: str, at: int) -> Incident | Refused | None:
    """The incident as it ends, open or recovered; None where it has ended so."""
    if incident.state == CLOSED:
        detail = f"The incident was closed as {incident.outcome}. Start another one if it was not."
        return None if incident.outcome == outcome else Refused("closed", detail)
    return replace(
        incident, state=CLOSED, rev=incident.rev + 1, closed_at=at, closed_by=by, outcome=outcome, reason=reason
    )


def lowered(document: PolicyDocument) -> PolicyDocument:
    """The policy with which an agent comes back: the same allowlists, at low trust. No limit is ever raised."""
    limits = document.model_dump(exclude_none=True)["limits"]
    capped = {name: min(limits[name], most, key=money.parse_usd) for name, most in LIMITS["low"].items()}
    return parse_document({**document.model_dump(exclude_none=True), "trust": "low", "limits": {**limits, **capped}})


def _obstacles(standing: Standing) -> Iterator[Refused]:
    """What is not so yet, whoever asks."""
    incident, account = standing.incident, standing.account
    if incident.state == CLOSED:
        detail = f'The incident is closed. Start another one: portcullis incident start {incident.agent} --reason "…"'
        yield Refused("closed", detail)
    for step in REQUIRED:
        if not standing.done(step):
            detail = f"The step {step} is not done. Have it done: portcullis incident resume {incident.id}"
            yield Refused(f"{step}_not_done", detail)
    if standing.keys or account.live_keys:
        detail = f"The agent has keys that are not revoked. Revoke them: portcullis keys revoke {incident.agent} --all"
        yield Refused("old_keys", detail)
    if incident.review is None:
        yield Refused("not_reviewed", "Nobody has reviewed the cause, the allowlists and the addresses. Review them.")
    elif not standing.reviewed:
        detail = (
            f"Version {account.policy_version} of the policy is in force, and {incident.review.policy_version} was "
            "reviewed. Review again."
        )
        yield Refused("policy_changed", detail)


def _second_person(
    incident: Incident, reviewer: Approver | None, confirmer: Approver, reviewed_at: str
) -> Iterator[Refused]:
    """Why these two are not two people who have said the same."""
    review = incident.review
    if review is None or reviewer is None or reviewer.id != review.by or reviewer.state != "active":
        yield Refused("reviewer_gone", "Whoever reviewed is no approver any more. Review again.")
        return
    lately = max(reviewer.created_at, confirmer.created_at) > incident.opened_at
    same = reviewer.identity == confirmer.identity and (reviewer.binds_a_person or lately)
    if reviewer.id == confirmer.id or same:
        yield Refused(
            "same_person",
            "Another person has to confirm than the one who reviewed: of one role, one enrolled before the incident.",
        )
    if times.rfc3339(review.at) != reviewed_at:
        yield Refused("review_changed", "There is another review than the one that was read. Read it, then confirm.")
