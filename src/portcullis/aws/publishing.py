"""Policies as operators put them in force: the next version, on condition that nobody did so meanwhile."""

from typing import Any

from portcullis.aws import changes, policy_versions
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.dynamo import Table
from portcullis.aws.policies import Policies
from portcullis.aws.policy_versions import Version
from portcullis.domain.account import Account
from portcullis.domain.policy_document import PolicyDocument


def publish(
    table: Table, policies: Policies, actor: Actor, agent: str, document: PolicyDocument, if_match: int
) -> Account | None:
    """Put a new policy version in force, provided that ``if_match`` is the one in force now."""
    sha256 = policies.put(document.text())

    def plan(account: Account) -> Change | None:
        if is_published(account, sha256, if_match):
            return None
        return publication(table, account, sha256, document.trust, actor)

    return changes.apply(table, agent, actor, plan)


def is_published(account: Account, sha256: bytes, if_match: int) -> bool:
    """Whether this was published on top of ``if_match`` already; Conflict where something else was."""
    if account.policy_version == if_match + 1 and account.policy_sha256 == sha256:
        return True
    if account.policy_version != if_match:
        raise Conflict(f"Version {account.policy_version} is in force, not {if_match}. Read it, then decide.")
    return False


def publication(
    table: Table, account: Account, sha256: bytes, trust: str, actor: Actor, *others: dict[str, Any], anew: bool = False
) -> Change:
    """The change that puts the next version in force, together with ``others``. ``anew``: whatever trust the agent had
    before, it has to be earned again."""
    before = policy_versions.read(table, account.agent, account.policy_version)
    since = before.trust_since if before is not None and before.trust == trust and not anew else actor.now
    version = Version(account.policy_version + 1, sha256, trust, since, actor.now, actor.arn)
    return Change(
        "policy.published",
        {"policy_version": version.version, "policy_sha256": sha256.hex()},
        others=[changes.put_new(policy_versions.to_item(account.agent, version)), *others],
        sets={"policy_version": version.version, "policy_sha256": sha256},
        # The arrival time belongs to the old rate; under a stricter one it could lie days ahead.
        clauses="REMOVE tat",
    )
