"""Agents as operators manage them: create, suspend, change policy."""

from typing import Any

from portcullis.aws import accounts, changes
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.dynamo import Cancelled, Item, Table
from portcullis.aws.policies import Policies
from portcullis.aws.wire import Unavailable
from portcullis.domain.account import Account
from portcullis.domain.policy_document import PolicyDocument
from portcullis.domain.rate import key_tat


def create(table: Table, policies: Policies, actor: Actor, agent: str, name: str, document: PolicyDocument) -> Account:
    """A new active agent under version 1 of its policy. The same id, name and policy again: the same agent."""
    sha256 = policies.put(document.text())
    account = Account(agent, name, "active", 1, 1, 1, sha256, frozenset(), actor.now)
    change = Change("agent.created", {"name": name, "policy_version": 1, "policy_sha256": sha256.hex()})
    try:
        table.transact(
            changes.put_new(accounts.to_item(account)),
            changes.put_new(_policy_item(agent, 1, sha256, actor)),
            changes.event_put(actor, agent, accounts.partition(agent), 1, change, agent),
        )
    except Cancelled:
        return _existing(table, account)
    return account


def suspend(table: Table, actor: Actor, agent: str, reason: str) -> Account | None:
    """Stop an agent in one write: state, epoch and live keys. Nothing approved or held survives the epoch."""

    def plan(account: Account) -> Change | None:
        if account.state == "suspended":
            return None
        sets: dict[str, Any] = {"state": "suspended", "epoch": account.epoch + 1}
        data = {"reason": reason, "epoch": account.epoch + 1}
        names = {f"#tat{number}": key_tat(name) for number, name in enumerate(sorted(account.live_keys))}
        removed = ", ".join(["live_keys", *names])
        return Change("agent.suspended", data, sets=sets, clauses=f"REMOVE {removed}", names=names)

    return changes.apply(table, agent, actor, plan)


def publish(
    table: Table, policies: Policies, actor: Actor, agent: str, document: PolicyDocument, if_match: int
) -> Account | None:
    """Put a new policy version in force, provided that ``if_match`` is the one in force now."""
    sha256 = policies.put(document.text())

    def plan(account: Account) -> Change | None:
        if account.policy_version == if_match + 1 and account.policy_sha256 == sha256:
            return None
        if account.policy_version != if_match:
            raise Conflict(f"Version {account.policy_version} is in force, not {if_match}. Read it, then decide.")
        version = if_match + 1
        return Change(
            "policy.published",
            {"policy_version": version, "policy_sha256": sha256.hex()},
            others=[changes.put_new(_policy_item(agent, version, sha256, actor))],
            sets={"policy_version": version, "policy_sha256": sha256},
            # The arrival time belongs to the old rate; under a stricter one it could lie days ahead.
            clauses="REMOVE tat",
        )

    return changes.apply(table, agent, actor, plan)


def _policy_item(agent: str, version: int, sha256: bytes, actor: Actor) -> Item:
    return {
        "pk": accounts.partition(agent),
        "sk": f"POLICY#{version:010d}",
        "version": version,
        "sha256": sha256,
        "published_at": actor.now,
        "published_by": actor.arn,
    }


def _existing(table: Table, wanted: Account) -> Account:
    found = accounts.read(table, wanted.agent)
    if found is None:
        raise Unavailable("the creation met another one of the same id")
    if (found.name, found.policy_sha256) != (wanted.name, wanted.policy_sha256):
        raise Conflict("This Idempotency-Key has created another agent.", "idempotency_conflict")
    return found
