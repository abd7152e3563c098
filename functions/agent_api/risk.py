"""What a risk agent decides on another agent's held transaction."""

from typing import Any

from functions.agent_api.moves import move, mover_of, txid_of
from functions.agent_api.request import require_to_move, stores
from portcullis.aws.proxy import Answer, Refusal, json_answer, json_body
from portcullis.aws.redecision import approval, approval_answer
from portcullis.aws.transitions import Plan
from portcullis.domain import lifecycle, redecision
from portcullis.domain.account import Account
from portcullis.domain.approver_requests import RiskDecision
from portcullis.domain.decisions import BY_RISK_AGENT
from portcullis.domain.lifecycle import Conflict, Outcome
from portcullis.domain.record import Mover, Principal, Record, describe
from portcullis.domain.transaction import from_text

NO_SUCH_TRANSACTION = "There is no such transaction that this agent decides on."


def _decide(event: dict[str, Any], principal: Principal) -> Answer:
    require_to_move(principal, "transactions:risk")
    wanted, txid = json_body(event, RiskDecision), txid_of(event, NO_SUCH_TRANSACTION)
    if wanted.agent_id == principal.agent:
        raise Refusal("forbidden", "No agent decides on its own request.")
    mover = mover_of(principal)
    moved = move(principal, wanted.agent_id, txid, _plan(wanted, mover), NO_SUCH_TRANSACTION)
    return approval_answer(moved, mover) if wanted.decision == "approve" else json_answer(200, describe(moved))


def _plan(wanted: RiskDecision, mover: Mover) -> Plan:
    content_sha256 = bytes.fromhex(wanted.content_sha256)
    approve = approval(stores().table, stores().policies, mover, BY_RISK_AGENT, content_sha256)

    def plan(record: Record, account: Account) -> Outcome:
        _require_entitled(mover, record, account)
        if wanted.decision == "approve":
            return approve(record, account)
        if record.content_sha256 != content_sha256:
            return Conflict("The content is not the one that was shown. Read it again, then decide.")
        return redecision.because(lifecycle.deny(record, mover, BY_RISK_AGENT), wanted.reason)

    return plan


def _require_entitled(mover: Mover, record: Record, account: Account) -> None:
    """The policy in force names it. Whoever is paid, or named as having asked for it, is no judge of it."""
    if mover.actor not in stores().policies.get(account.policy_sha256).risk_agents:
        raise Refusal("not_found", NO_SUCH_TRANSACTION)
    transaction = from_text(record.content)
    if mover.actor in (transaction.destination[1], transaction.instructed_by):
        raise Refusal("forbidden", "No agent decides on what it is paid, or has asked for.")


ROUTES = {
    ("POST", "/v1/transactions/{id}/risk-decision"): _decide,
}
