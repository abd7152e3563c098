"""What approvers decide on transactions: approve, deny, reconcile. The code is used by the write that it allows."""

from typing import Any

from functions.operator_api.codes import presented_by
from functions.operator_api.request import actor_of, stores
from functions.operator_api.transactions import NO_SUCH_TRANSACTION
from portcullis.aws import enrolment, records, transitions
from portcullis.aws.codes import Presented
from portcullis.aws.dynamo import Cancelled
from portcullis.aws.proxy import Answer, Refusal, json_answer, json_body
from portcullis.aws.redecision import approval, approval_answer
from portcullis.aws.transitions import Plan
from portcullis.domain import lifecycle, redecision
from portcullis.domain.account import LOCKED_TEXT
from portcullis.domain.approver_requests import Approval, Denial, OnTransaction, Reconciliation
from portcullis.domain.decisions import BY_HUMAN
from portcullis.domain.lifecycle import Conflict
from portcullis.domain.record import Mover, Record, describe


def _approve(event: dict[str, Any]) -> Answer:
    wanted = json_body(event, Approval)
    if stores().gate.is_closed():
        raise Refusal("state_conflict", LOCKED_TEXT)
    presented, mover = _authorized(event, wanted)
    content_sha256 = bytes.fromhex(wanted.content_sha256)
    plan = approval(stores().table, stores().policies, mover, BY_HUMAN, content_sha256)
    record = _moved(wanted, presented, mover, plan)
    return approval_answer(record, mover)


def _deny(event: dict[str, Any]) -> Answer:
    wanted = json_body(event, Denial)
    presented, mover = _authorized(event, wanted)

    def plan(record: Record, _: object) -> lifecycle.Outcome:
        return redecision.because(lifecycle.deny(record, mover, BY_HUMAN), wanted.reason)

    return json_answer(200, describe(_moved(wanted, presented, mover, plan)))


def _reconcile(event: dict[str, Any]) -> Answer:
    wanted = json_body(event, Reconciliation)
    presented, mover = _authorized(event, wanted)
    found = records.read(stores().table, wanted.agent_id, wanted.transaction_id)
    if found is not None:
        transitions.expire(stores().table, found, mover.at)

    def plan(record: Record, _: object) -> lifecycle.Outcome:
        return lifecycle.reconcile(record, mover, wanted.outcome, wanted.reference)

    return json_answer(200, describe(_moved(wanted, presented, mover, plan)))


def _authorized(event: dict[str, Any], wanted: OnTransaction) -> tuple[Presented, Mover]:
    presented, actor = presented_by(event, wanted.code), actor_of(event)
    return presented, Mover(presented.approver.id, None, actor.source_ip, actor.now)


def _moved(wanted: OnTransaction, presented: Presented, mover: Mover, plan: Plan) -> Record:
    """The transaction as moved. A code that moved nothing is used up as well."""
    table = stores().table
    try:
        outcome = transitions.apply(table, wanted.agent_id, wanted.transaction_id, plan, [presented.action()])
    except Cancelled:
        raise enrolment.refused() from None
    if isinstance(outcome, Record) and outcome.moved == mover:
        return outcome
    if not presented.spend(table):
        raise enrolment.refused()
    if outcome is None:
        raise Refusal("not_found", NO_SUCH_TRANSACTION)
    if isinstance(outcome, Conflict):
        raise Refusal(outcome.code, outcome.detail)
    return outcome


ROUTES = {
    ("POST", "/v1/approvers/{approver}/approvals"): _approve,
    ("POST", "/v1/approvers/{approver}/denials"): _deny,
    ("POST", "/v1/approvers/{approver}/reconciliations"): _reconcile,
}
