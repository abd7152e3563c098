"""The one draft of an agent's policy: ``AGENT#<agent> / POLICY#DRAFT``, and the policy that is tried in its shadow.

A draft's ``rev`` is that of its event, so none is ever given to another draft of the agent. A draft is removed by
emptying its item: who may delete items of this table could delete transactions.
"""

from dataclasses import dataclass
from typing import Any

from portcullis.aws import accounts, changes, publishing
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.dynamo import Item, Table, to_attributes
from portcullis.aws.policies import Policies
from portcullis.domain import times
from portcullis.domain.account import Account
from portcullis.domain.policy_document import PolicyDocument

NO_DRAFT = "There is no draft. Put one first."


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy that is not in force, its ``rev``, and who put it when (microseconds)."""

    sha256: bytes
    trust: str
    rev: int
    by: str
    at: int


def read(table: Table, agent: str) -> Draft | None:
    """The draft, or None."""
    item = table.get(primary_key(agent))
    if item is None or "sha256" not in item:
        return None
    return Draft(item["sha256"], item["trust"], item["rev"], item["by"], item["at"])


def primary_key(agent: str) -> Item:
    """Where the draft's item stands."""
    return {"pk": accounts.partition(agent), "sk": "POLICY#DRAFT"}


def describe(draft: Draft) -> dict[str, Any]:
    """The public form."""
    return {"sha256": draft.sha256.hex(), "rev": draft.rev, "by": draft.by, "at": times.rfc3339(draft.at)}


def put(
    table: Table, policies: Policies, actor: Actor, agent: str, document: PolicyDocument, if_match: int | None
) -> Account | None:
    """Keep a draft in the place of the one of rev ``if_match``; None where there shall be none yet."""
    sha256 = policies.put(document.text())

    def plan(account: Account) -> Change | None:
        present = read(table, agent)
        if present is not None and present.sha256 == sha256:
            return None
        _check(present, if_match)
        item = {
            **primary_key(agent),
            "sha256": sha256,
            "trust": document.trust,
            "rev": account.rev + 1,
            "by": actor.arn,
            "at": actor.now,
        }
        return Change("policy.drafted", {"policy_sha256": sha256.hex()}, others=[_put(item, present)])

    return changes.apply(table, agent, actor, plan)


def discard(table: Table, actor: Actor, agent: str, if_match: int) -> Account | None:
    """Remove the draft of rev ``if_match``. One that is gone already is none to remove."""

    def plan(_account: Account) -> Change | None:
        present = read(table, agent)
        if present is None:
            return None
        _check(present, if_match)
        data = {"policy_sha256": present.sha256.hex()}
        return Change("policy.draft_discarded", data, others=[_empty(agent, present)])

    return changes.apply(table, agent, actor, plan)


def publish(table: Table, actor: Actor, agent: str, sha256: bytes, if_match: int) -> Account | None:
    """Put the draft in force as the next version and remove it, provided that it is still the one of this hash and
    that ``if_match`` is in force."""

    def plan(account: Account) -> Change | None:
        present = read(table, agent)
        if (present is None or present.sha256 != sha256) and publishing.is_published(account, sha256, if_match):
            return None
        if present is None:
            raise Conflict(NO_DRAFT)
        if present.sha256 != sha256:
            raise Conflict("The draft has changed since it was read. Look at it again, then publish it.")
        if account.policy_version != if_match:
            raise Conflict(f"Version {account.policy_version} is in force, not {if_match}. Read it, then decide.")
        return publishing.publication(table, account, sha256, present.trust, actor, _empty(agent, present))

    return changes.apply(table, agent, actor, plan)


def shadow(table: Table, actor: Actor, agent: str, sha256: bytes | None) -> Account | None:
    """Try the policy of this hash beside the one in force; None ends the trial."""

    def plan(account: Account) -> Change | None:
        if account.shadow_sha256 == sha256:
            return None
        if sha256 is None:
            return Change("policy.unshadowed", {}, clauses="REMOVE shadow_sha256")
        return Change("policy.shadowed", {"policy_sha256": sha256.hex()}, sets={"shadow_sha256": sha256})

    return changes.apply(table, agent, actor, plan)


def _check(present: Draft | None, if_match: int | None) -> None:
    found = None if present is None else present.rev
    if found != if_match:
        now = "there is no draft" if found is None else f'the draft is "{found}"'
        raise Conflict(f"The draft has changed: {now}. Read it, then send its ETag as If-Match.")


def _put(item: Item, present: Draft | None) -> dict[str, Any]:
    """The Put of ``item`` in the place of ``present``, provided that it still stands there."""
    put: dict[str, Any] = {"Item": to_attributes(item), "ConditionExpression": "attribute_not_exists(sha256)"}
    if present is not None:
        put["ConditionExpression"] = "#rev = :rev AND attribute_exists(sha256)"
        put["ExpressionAttributeNames"] = {"#rev": "rev"}
        put["ExpressionAttributeValues"] = to_attributes({":rev": present.rev})
    return {"Put": put}


def _empty(agent: str, present: Draft) -> dict[str, Any]:
    return _put({**primary_key(agent), "rev": present.rev}, present)
