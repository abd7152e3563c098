"""Trust upgrades as proposed: an event, once for each level and clean period, and nothing more."""

from portcullis.aws import accounts, changes, policy_versions
from portcullis.aws.changes import Actor, Change
from portcullis.aws.dynamo import Table
from portcullis.aws.wire import Unavailable
from portcullis.domain import times, trust_upgrade
from portcullis.domain.account import Account
from portcullis.domain.trust_upgrade import Standing


def standing(table: Table, account: Account, now: int) -> Standing:
    """Where an agent stands on its way to the next level of trust."""
    version = policy_versions.read(table, account.agent, account.policy_version)
    if version is None:
        raise Unavailable("the policy version in force is not stored")
    return trust_upgrade.standing(account, version.trust, version.trust_since, now)


def propose(table: Table, actor: Actor, agent: str) -> bool:
    """Emit ``trust.upgrade_proposed`` where it is due and was not yet; whether this call did."""
    proposed = False

    def plan(account: Account) -> Change | None:
        nonlocal proposed
        found = standing(table, account, actor.now)
        marker = {"pk": accounts.partition(agent), "sk": f"PROPOSAL#{found.proposed}#{found.clean_since}"}
        proposed = found.proposed is not None and table.get(marker) is None
        if not proposed or found.proposed is None:
            return None
        data = {
            "trust": found.level,
            "proposed": found.proposed,
            "clean_since": times.rfc3339(found.clean_since),
            "limits": trust_upgrade.proposal(found.proposed)["limits"],
        }
        return Change("trust.upgrade_proposed", data, others=[changes.put_new({**marker, "at": actor.now})])

    changes.apply(table, agent, actor, plan)
    return proposed
