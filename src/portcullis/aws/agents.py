"""Agents as operators manage them: create, suspend."""

from portcullis.aws import accounts, changes, fleet, policy_versions
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.dynamo import Cancelled, Table
from portcullis.aws.policies import Policies
from portcullis.aws.policy_versions import Version
from portcullis.aws.suspending import suspension
from portcullis.aws.wire import Unavailable
from portcullis.domain import lockdown
from portcullis.domain.account import ACTIVE, SUSPENDED, Account
from portcullis.domain.policy_document import PolicyDocument

_ACCOUNT, _FLAG = 0, 3


def create(table: Table, policies: Policies, actor: Actor, agent: str, name: str, document: PolicyDocument) -> Account:
    """A new active agent under version 1 of its policy. The same id, name and policy again: the same agent. In a
    lockdown there is none: its work goes over those that were there when it began."""
    sha256 = policies.put(document.text())
    account = Account(agent, name, ACTIVE, 1, 1, 1, sha256, frozenset(), actor.now)
    first = Version(1, sha256, document.trust, actor.now, actor.now, actor.arn)
    change = Change("agent.created", {"name": name, "policy_version": 1, "policy_sha256": sha256.hex()})
    actions = (
        changes.put_new(accounts.to_item(account)),
        changes.put_new(policy_versions.to_item(agent, first)),
        changes.event_put(actor, agent, accounts.partition(agent), 1, change, agent),
        fleet.open_check(),
    )
    for _ in changes.attempts():
        try:
            table.transact(*actions)
        except Cancelled as cancelled:
            if cancelled.failed(_FLAG) and not cancelled.failed(_ACCOUNT):
                raise Conflict(lockdown.NO_NEW_AGENT) from None
            if not cancelled.contention:  # all creations look at the one flag
                return _existing(table, account)
        else:
            return account
    raise Unavailable("the creation was contended")


def suspend(table: Table, actor: Actor, agent: str, reason: str) -> Account | None:
    """Stop an agent in one write: state, epoch and live keys. Nothing approved or held survives the epoch."""

    def plan(account: Account) -> Change | None:
        return None if account.state == SUSPENDED else suspension(account, reason)

    return changes.apply(table, agent, actor, plan)


def _existing(table: Table, wanted: Account) -> Account:
    found = accounts.read(table, wanted.agent)
    if found is None:
        raise Unavailable("the creation met another one of the same id")
    if (found.name, found.policy_sha256) != (wanted.name, wanted.policy_sha256):
        raise Conflict("This Idempotency-Key has created another agent.", "idempotency_conflict")
    return found
