"""The account: one item per agent that carries state, epoch, live keys, policy version, rate and spend windows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from portcullis.domain import windows
from portcullis.domain.rate import Claim, Rate, claims, wait
from portcullis.domain.windows import Spend
from portcullis.protocol import base62

ACTIVE, SUSPENDED, LOCKED = "active", "suspended", "locked"
"""Suspended: cut off for good, its keys ended. Locked: stopped with the whole fleet, to go on with the keys it has."""
LOCKED_TEXT = "The fleet is in lockdown: nothing moves before its operators lift it."
MAX_LIVE_KEYS = 8
MAX_RECENT = 6
"""How many contents an account remembers for telling duplicates; the oldest gives way."""
RECENT_PREFIX = "c#"


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of an account when it was last read. ``windows`` maps a window's name to what was reserved in it,
    ``tats`` the names of rates (agent's and keys') to their TATs, ``recent`` marks of contents to when they came.

    ``shadow_sha256`` is the policy that is tried beside the one in force; ``violated_at`` the last denial;
    ``incident`` that for which a suspended agent was cut off; ``lock`` the number of the lockdown that has last locked
    or lifted it, since it was last suspended.
    """

    agent: str
    name: str
    state: str
    epoch: int
    rev: int
    policy_version: int
    policy_sha256: bytes
    live_keys: frozenset[str]
    created_at: int
    tats: dict[str, int] = field(default_factory=dict)
    windows: dict[str, int] = field(default_factory=dict)
    recent: dict[str, int] = field(default_factory=dict)
    shadow_sha256: bytes | None = None
    violated_at: int | None = None
    incident: str | None = None
    lock: int = 0

    @property
    def stopped(self) -> str | None:
        """What to tell an agent that is not active beyond what its code says; None where that says it all."""
        return LOCKED_TEXT if self.state == LOCKED else None

    @property
    def keyless(self) -> str | None:
        """Why it gets no new keys; None where it does."""
        if self.state == ACTIVE:
            return None
        if self.state == LOCKED:
            return "The fleet is in lockdown; the agent gets no new keys before it is lifted."
        return "The agent is suspended. It gets new keys once it is recovered: portcullis incident recover"


@dataclass(frozen=True, slots=True)
class Mark:
    """A content that an account remembers: ``name`` of its attribute, and the instant after which an earlier one
    counts as the same request made again."""

    name: str
    since: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a transaction asks of the account. ``spends`` without a limit only count; ``mark`` is None where the same
    content may be sent again; ``known`` says that this one was found to be a duplicate and was decided as one.

    ``arrived`` is when the request came, ``now`` when it is tried (microseconds).
    """

    key_version: str
    epoch: int
    policy_version: int
    rate: Rate
    arrived: int
    now: int
    spends: tuple[Spend, ...] = ()
    mark: Mark | None = None
    known: bool = False
    key_rate: Rate | None = None
    denied: bool = False

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What it asks of the rates."""
        return claims(self.rate, self.key_rate, self.key_version, self.arrived, self.now)


class Refusal(StrEnum):
    """Why the account's conditions did not hold."""

    SUSPENDED = "suspended"
    KEY = "key"
    CHANGED = "changed"
    RATE = "rate"
    BUDGET = "budget"
    DUPLICATE = "duplicate"
    NONE = "none"


def mark(content_sha256: bytes, now: int, window: int) -> Mark:
    """The mark of a content that counts as sent again within ``window`` microseconds."""
    return Mark(RECENT_PREFIX + base62.from_bytes(content_sha256, 6), now - window)


def sent_before(account: Account, wanted: Mark | None) -> bool:
    """Whether the account remembers the content from within its window."""
    return wanted is not None and account.recent.get(wanted.name, 0) > wanted.since


def after(account: Account, wanted: Reservation) -> Account:
    """The account once ``wanted`` is committed, as far as it is known: others may have committed in between."""
    spent = dict(account.windows)
    for spend in wanted.spends:
        spent[spend.window] = spent.get(spend.window, 0) + spend.amount
    spent = {name: amount for name, amount in spent.items() if not windows.is_over(name, wanted.now)}
    moved = {claim.tat: claim.after(account.tats.get(claim.tat, 0)) for claim in wanted.claims}
    recent = dict(account.recent)
    if wanted.mark is not None:
        recent = {name: at for name, at in recent.items() if name not in forgotten(account, wanted)}
        recent[wanted.mark.name] = wanted.now
    violated_at = wanted.now if wanted.denied else account.violated_at
    return replace(account, tats=account.tats | moved, windows=spent, recent=recent, violated_at=violated_at)


def forgotten(account: Account, wanted: Reservation) -> list[str]:
    """The marks to remove: those out of their window, and the oldest beyond MAX_RECENT."""
    if wanted.mark is None:
        return []
    others = sorted((at, name) for name, at in account.recent.items() if name != wanted.mark.name)
    fresh = [(at, name) for at, name in others if at > wanted.mark.since]
    kept = {name for _, name in fresh[-(MAX_RECENT - 1) :]}
    return sorted(name for _, name in others if name not in kept)


def refusal(account: Account, wanted: Reservation) -> Refusal:
    """Which condition of ``wanted`` the account does not meet, most important first; NONE when all hold."""
    if account.state != ACTIVE:
        return Refusal.SUSPENDED
    if wanted.key_version not in account.live_keys:
        return Refusal.KEY
    if (account.epoch, account.policy_version) != (wanted.epoch, wanted.policy_version):
        return Refusal.CHANGED
    if wait(wanted.claims, account.tats) is not None:
        return Refusal.RATE
    if not has_room(account.windows, wanted.spends):
        return Refusal.BUDGET
    if not wanted.known and sent_before(account, wanted.mark):
        return Refusal.DUPLICATE
    return Refusal.NONE


def has_room(spent: Mapping[str, int], spends: tuple[Spend, ...]) -> bool:
    """Whether every window has room."""
    return all(spend.limit is None or spent.get(spend.window, 0) + spend.amount <= spend.limit for spend in spends)
