"""The plan of an approval, which reads policy and prices anew for every try; and its answer."""

from portcullis.aws import prices
from portcullis.aws.dynamo import Table
from portcullis.aws.policies import Policies
from portcullis.aws.proxy import Answer, Refusal, json_answer
from portcullis.aws.transitions import Plan
from portcullis.domain import redecision
from portcullis.domain.account import Account
from portcullis.domain.judgement import Rulebook
from portcullis.domain.lifecycle import Outcome
from portcullis.domain.record import Mover, Record, describe, describe_violations


def approval(table: Table, policies: Policies, mover: Mover, by: str, content_sha256: bytes) -> Plan:
    """Approve ``by`` a risk agent or a human, for exactly this content, under what is in force now."""

    def plan(record: Record, account: Account) -> Outcome:
        return redecision.approve(record, account, _rulebook(table, policies, account), mover, by, content_sha256)

    return plan


def confirmation(
    table: Table, policies: Policies, mover: Mover, parties: frozenset[str], content_sha256: bytes
) -> Plan:
    """One party of an escrow confirms its release, for exactly this content, under what is in force now."""

    def plan(record: Record, account: Account) -> Outcome:
        return redecision.confirm(record, account, _rulebook(table, policies, account), mover, parties, content_sha256)

    return plan


def approval_answer(record: Record, mover: Mover) -> Answer:
    """What whoever approved is told: the record, or why their approval was not one."""
    if record.status == "denied":
        raise Refusal("policy_denied", transaction_id=record.id, violations=describe_violations(record.violations))
    if redecision.is_escalated(record, mover):
        raise Refusal("state_conflict", "It needs a stronger approval now, for which it waits. Read it again.")
    return json_answer(200, describe(record))


def _rulebook(table: Table, policies: Policies, account: Account) -> Rulebook:
    return Rulebook(policies.get(account.policy_sha256), prices.read(table))
