"""The account: one item per agent that carries state, epoch, live keys, policy version, rate and spend windows."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from portcullis.domain import times
from portcullis.domain.rate import Claim, Rate, claims, wait

MAX_LIVE_KEYS = 8
DAY = 86_400 * times.SECOND


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of an account when it was last read. ``windows`` maps a window's name to micro-USD spent,
    ``tats`` the names of rates (agent's and keys') to their TATs."""

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


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a transaction asks of the account; ``usd`` is 0 and ``limit`` None where no budget is reserved.

    ``arrived`` is when the request came, ``now`` when it is tried (microseconds).
    """

    key_version: str
    epoch: int
    policy_version: int
    rate: Rate
    arrived: int
    now: int
    usd: int = 0
    limit: int | None = None
    key_rate: Rate | None = None

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What it asks of the rates."""
        return claims(self.rate, self.key_rate, self.key_version, self.arrived, self.now)

    @property
    def window(self) -> str:
        """The spend window's name: ``d`` and the UTC day."""
        return day_window(self.now)

    @property
    def oldest_window(self) -> str:
        """Windows before this one are over for everyone. Yesterday's is not: a request decided just before midnight
        may commit after it, and would find a fresh budget where its window was removed."""
        return day_window(self.now - DAY)


class Refusal(StrEnum):
    """Why the account's conditions did not hold."""

    SUSPENDED = "suspended"
    KEY = "key"
    CHANGED = "changed"
    RATE = "rate"
    BUDGET = "budget"
    NONE = "none"


def day_window(now: int) -> str:
    """The name of the window that ``now`` falls in."""
    return "d" + times.utc_day(now)


def after(account: Account, wanted: Reservation) -> Account:
    """The account once ``wanted`` is committed, as far as it is known: others may have committed in between."""
    windows = dict(account.windows)
    if wanted.limit is not None:
        windows[wanted.window] = windows.get(wanted.window, 0) + wanted.usd
    windows = {name: spent for name, spent in windows.items() if name >= wanted.oldest_window}
    moved = {claim.tat: claim.after(account.tats.get(claim.tat, 0)) for claim in wanted.claims}
    return replace(account, tats=account.tats | moved, windows=windows)


def refusal(account: Account, wanted: Reservation) -> Refusal:
    """Which condition of ``wanted`` the account does not meet, most important first; NONE when all hold."""
    if account.state != "active":
        return Refusal.SUSPENDED
    if wanted.key_version not in account.live_keys:
        return Refusal.KEY
    if (account.epoch, account.policy_version) != (wanted.epoch, wanted.policy_version):
        return Refusal.CHANGED
    if wait(wanted.claims, account.tats) is not None:
        return Refusal.RATE
    spent = account.windows.get(wanted.window, 0)
    if wanted.limit is not None and spent + wanted.usd > wanted.limit:
        return Refusal.BUDGET
    return Refusal.NONE
