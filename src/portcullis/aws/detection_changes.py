"""What operators change of what detection holds: a finding is released or closed, a profile reset,
each with its event.

The profile is written only if no batch has changed it since it was read; else both are read again.
"""

import secrets
from contextlib import suppress
from dataclasses import replace

from portcullis.aws import changes, findings, profiles
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.dynamo import Cancelled, Table
from portcullis.aws.profiles import Stored
from portcullis.aws.wire import Unavailable
from portcullis.domain.account import Account
from portcullis.domain.detection import release as releases
from portcullis.domain.detection.findings import CLOSED, OPEN, RELEASED, Finding
from portcullis.domain.detection.profile import Profile, UnknownProfile
from portcullis.domain.detection.recent import SALT_BYTES


def read(profiles_table: Table, agent: str) -> Stored | None:
    """The agent's profile as it is now, or None. Raises Conflict for one that a later version of the product wrote."""
    try:
        return profiles.read(profiles_table, agent)
    except UnknownProfile as unknown:
        raise Conflict(f"The {unknown}. Reset the agent's profile, or deploy the version that wrote it.") from None


def release(core: Table, profiles_table: Table, actor: Actor, finding_id: str, reason: str) -> Finding | None:
    """Say that an open finding was legitimate, and teach it to the agent's profile. Again: no change. None: there is no
    such finding. Raises Conflict where it was closed as something else."""
    for _ in changes.attempts():
        finding = findings.find(core, finding_id)
        if finding is None or finding.state == RELEASED:
            return finding
        if finding.state != OPEN:
            raise Conflict(f"The finding is {finding.state}; nothing is learnt of it any more.")
        stored = read(profiles_table, finding.agent) or Stored(_blank())
        releases.teach(stored.profile, finding)
        after = _ended(finding, RELEASED, actor, reason)
        ending = findings.ending(finding, after, actor, "finding.released")
        try:
            core.transact(*ending, profiles.writing(profiles_table, finding.agent, stored))
        except Cancelled:
            continue
        return after
    raise Unavailable("the finding was contended")


def close(core: Table, actor: Actor, agent: str, finding_id: str, reason: str) -> None:
    """End an open finding with its incident: nothing is learnt of it. One that has ended stays as it is."""
    for _ in changes.attempts():
        finding = findings.read(core, agent, finding_id)
        if finding is None or finding.state != OPEN:
            return
        with suppress(Cancelled):
            after = _ended(finding, CLOSED, actor, reason)
            core.transact(*findings.ending(finding, after, actor, "finding.closed"))
            return
    raise Unavailable("the finding was contended")


def end_episode(profiles_table: Table, agent: str) -> None:
    """Let nothing more join the agent's finding: what it does from now on is another one, told from the beginning. A
    profile that cannot be read joins nothing."""
    for _ in changes.attempts():
        try:
            stored = profiles.read(profiles_table, agent)
        except UnknownProfile:
            return
        if stored is None or stored.profile.episode is None:
            return
        stored.profile.episode = None
        if profiles.write(profiles_table, agent, stored):
            return
    raise Unavailable("the agent's profile was contended")


def reset(core: Table, profiles_table: Table, actor: Actor, agent: str, reason: str) -> Account | None:
    """Forget what is usual for an agent. Where nothing is known of it: no change. None: there is no such agent."""

    def plan(_account: Account) -> Change | None:
        forgetting = _forgetting(profiles_table, agent)
        if forgetting is None:
            return None
        blank, payments = forgetting
        data = {"reason": reason, "payments": payments}
        return Change("profile.reset", data, others=[profiles.writing(profiles_table, agent, blank)])

    return changes.apply(core, agent, actor, plan)


def _forgetting(profiles_table: Table, agent: str) -> tuple[Stored, int | None] | None:
    """What is stored in place of the profile, and how many payments that had judged: None where it cannot be read. None
    where there is nothing to forget."""
    try:
        stored = profiles.read(profiles_table, agent)
    except UnknownProfile:
        return profiles.replacing(profiles_table, agent, _blank()), None
    if stored is None or stored.profile.pack() == stored.profile.forgotten().pack():
        return None
    return Stored(stored.profile.forgotten(), stored.version), stored.profile.behaviour.seen


def _ended(finding: Finding, state: str, actor: Actor, reason: str) -> Finding:
    return replace(finding, state=state, rev=finding.rev + 1, closed_by=actor.arn, closed_at=actor.now, reason=reason)


def _blank() -> Profile:
    return Profile.new(secrets.token_bytes(SALT_BYTES))
