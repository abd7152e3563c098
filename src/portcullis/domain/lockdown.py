"""The lockdown of the fleet: no agent moves anything until it is lifted, in stages.

    locking ─ a whole pass found nobody left ─> locked ─ lift ─┐
       └─────────────────── lift all ──────────────────────────┴─> lifting ─ the stage of all is done ─> lifted

Starting it again, once it is lifting or lifted, locks everybody anew under the next ``number``. An account remembers
the number that has last locked or lifted it, so whoever still works for an earlier one undoes nothing of a later one.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from portcullis.domain import times
from portcullis.domain.account import ACTIVE, LOCKED, Account
from portcullis.domain.approvers import Approver, identity_of
from portcullis.domain.times import SECOND

LOCKING, LIFTING, LIFTED = "locking", "lifting", "lifted"
STATES = (LOCKING, LOCKED, LIFTING, LIFTED)
OPEN = (LIFTING, LIFTED)
"""In these the flag stops nobody, and an account's own state counts."""
SETTLED = 5 * SECOND
"""After the start, until the index shows whoever was created just before it."""
MOST_AGENTS = 100
"""That one stage can name."""
NO_NEW_AGENT = "The fleet is in lockdown; no agent is created or brought back before it is lifted."


@dataclass(frozen=True, slots=True)
class Stage:
    """Who is lifted next: these ``agents``, a ``share`` (percent) of those still locked, or else all; ordered ``by`` an
    approver. Of a share it is those of a rank up to ``cut``, which is found when the work begins."""

    number: int
    by: str
    at: int
    agents: tuple[str, ...] = ()
    share: int | None = None
    cut: str | None = None

    @property
    def is_last(self) -> bool:
        """Whether it is the one of all."""
        return not self.agents and self.share is None


@dataclass(frozen=True, slots=True)
class Lockdown:
    """As stored; instants are microseconds. ``rev`` numbers its events, through all lockdowns there were.

    Its work is done in passes over the fleet. Of the present one, begun at ``pass_at`` and come to ``place``: how many
    agents were ``seen``, how many of them are ``locked`` or ``unreadable``, how many it found ``due`` for a change, and
    with how many that has ``failed`` so far.
    ``total`` is how many there were at the start. ``lease`` names who works on it, until ``lease_until``.
    """

    number: int
    rev: int
    state: str
    reason: str
    started_at: int
    started_by: str
    total: int | None = None
    passes: int = 0
    pass_at: int | None = None
    place: tuple[int, str] | None = None
    seen: int = 0
    locked: int = 0
    unreadable: int = 0
    due: int = 0
    failed: int = 0
    completed_at: int | None = None
    stages: int = 0
    stage: Stage | None = None
    ended_at: int | None = None
    lease: str | None = None
    lease_until: int | None = None


def started(before: Lockdown | None, by: str, reason: str, now: int) -> Lockdown:
    """The next lockdown; the same while one holds, or is on the way to."""
    if before is not None and before.state not in OPEN:
        return before
    number, rev = (before.number, before.rev) if before else (0, 0)
    return Lockdown(number + 1, rev + 1, LOCKING, reason, now, by)


def lifting(
    lockdown: Lockdown | None, by: Approver, now: int, agents: tuple[str, ...], share: int | None
) -> Lockdown | str:
    """The lockdown with one more stage to lift, or why there is none and what to do.

    Whoever started it does not lift it, as far as the caller's identity tells one person: that of a role is shared.
    Some alone are lifted of a complete one, for a stage opens the flag, and whoever is not locked yet would go on.
    """
    if lockdown is None:
        return "The fleet is not in lockdown."
    if lockdown.stage is not None:
        return "A stage is being lifted. Run it to its end, then lift the next."
    if lockdown.state == LOCKING and (agents or share is not None):
        return "Complete the lockdown first: portcullis lockdown resume. Until then it can only be lifted for all."
    if by.binds_a_person and by.identity == identity_of(lockdown.started_by):
        return "You have started it. Another approver has to lift it."
    stage = Stage(lockdown.stages + 1, by.id, now, agents, share)
    after = replace(lockdown, rev=lockdown.rev + 1, state=LIFTING, stages=stage.number, stage=stage, ended_at=None)
    return replace(_unworked(after), passes=0, lease=None, lease_until=None)


def next_pass(lockdown: Lockdown, now: int) -> Lockdown:
    """The lockdown as another pass over the fleet begins."""
    return replace(_unworked(lockdown), passes=lockdown.passes + 1, pass_at=now)


def is_complete(lockdown: Lockdown) -> bool:
    """Whether the pass that came to its end found nobody left, and is late enough to have seen everybody."""
    if lockdown.pass_at is None or lockdown.due:
        return False
    return lockdown.state != LOCKING or lockdown.pass_at >= lockdown.started_at + SETTLED


def completed(lockdown: Lockdown, now: int) -> Lockdown:
    """The lockdown as its work, or that on its present stage, is done."""
    after = replace(lockdown, rev=lockdown.rev + 1, stage=None, pass_at=None, place=None, lease=None, lease_until=None)
    if lockdown.stage is None:
        return replace(after, state=LOCKED, completed_at=now)
    return replace(after, state=LIFTED, ended_at=now) if lockdown.stage.is_last else after


def is_due(lockdown: Lockdown, account: Account) -> bool:
    """Whether an account is to be locked or, with the present stage, to be lifted."""
    if lockdown.stage is None:
        return account.state in (ACTIVE, LOCKED) and account.lock < lockdown.number
    if account.state != LOCKED or account.lock > lockdown.number:
        return False
    return is_chosen(lockdown.stage, account.agent)


def is_chosen(stage: Stage, agent: str) -> bool:
    """Whether a stage is about this agent."""
    if stage.share is not None:
        return rank(stage, agent) <= (stage.cut or "")
    return not stage.agents or agent in stage.agents


def rank(stage: Stage, agent: str) -> str:
    """Where an agent stands when a share is taken: by chance, and the same whenever it is asked."""
    return hashlib.sha256(f"{stage.number}\n{stage.at}\n{agent}".encode()).hexdigest()[:32]


def cut(stage: Stage, ranks: list[str]) -> str:
    """The last rank that is within the share of these, which is rounded up."""
    number = -(-len(ranks) * (stage.share or 0) // 100)
    return sorted(ranks)[number - 1] if number else ""


def describe(lockdown: Lockdown | None) -> dict[str, Any]:
    """The public form, which is also what its events tell."""
    if lockdown is None:
        return {"state": "none"}
    agents = {"total": lockdown.total, "seen": lockdown.seen, "locked": lockdown.locked}
    described: dict[str, Any] = {
        "state": lockdown.state,
        "number": lockdown.number,
        "reason": lockdown.reason,
        "started_at": times.rfc3339(lockdown.started_at),
        "started_by": lockdown.started_by,
        "passes": lockdown.passes,
        "agents": {**agents, "failed": lockdown.failed, "unreadable": lockdown.unreadable},
        "completed_at": _instant(lockdown.completed_at),
        "stage": _stage(lockdown.stage) if lockdown.stage else None,
        "ended_at": _instant(lockdown.ended_at),
    }
    return {name: value for name, value in described.items() if value is not None}


def _unworked(lockdown: Lockdown) -> Lockdown:
    """Without what a pass has found."""
    fresh = {"pass_at": None, "place": None, "seen": 0, "locked": 0, "failed": 0, "unreadable": 0, "due": 0}
    return replace(lockdown, **fresh)  # type: ignore[arg-type]


def _stage(stage: Stage) -> dict[str, Any]:
    chosen: dict[str, Any] = {"all": True} if stage.is_last else {"agents": list(stage.agents)}
    if stage.share is not None:
        chosen = {"share": stage.share}
    return {"number": stage.number, "by": stage.by, "at": times.rfc3339(stage.at), **chosen}


def _instant(micros: int | None) -> str | None:
    return None if micros is None else times.rfc3339(micros)
