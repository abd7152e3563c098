"""Recorded decisions, decided again in their order under another policy, with spend windows of its own.

The value of each is the recorded one, its instant too, and what was released in truth is released here at the same
moment. Rates are no part of it: what they refused was never recorded.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from portcullis.domain import account as accounts
from portcullis.domain import money, times, transaction, windows
from portcullis.domain.decisions import Decision, Denied
from portcullis.domain.models import StrictModel
from portcullis.domain.policy import Policy
from portcullis.domain.record import Record, status_of
from portcullis.domain.rules import Case, decide

RELEASED = frozenset({"cancelled", "expired", "failed", "denied"})
"""Statuses in which what was reserved at the decision has been given back."""
Count = Annotated[int, Field(ge=0)]
WindowName = Annotated[str, Field(pattern=f"^({windows.NAME.pattern})$")]


class Release(StrictModel):
    """What becomes free again at an instant, by window."""

    at: Count
    windows: dict[WindowName, Count]


class State(StrictModel):
    """How far a replay has come, so that the next page goes on from there: the last transaction and the windows."""

    created_at: Count = 0
    id: str = ""
    windows: dict[WindowName, Count] = Field(default_factory=dict)
    recent: dict[str, int] = Field(default_factory=dict)
    releases: list[Release] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Replayed:
    """One transaction: what was decided, and what the other policy says."""

    record: Record
    old: str
    decision: Decision

    @property
    def new(self) -> str:
        """The status under the other policy."""
        return status_of(self.decision)

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that it breaks under the other policy."""
        return tuple(v.rule for v in self.decision.violations) if isinstance(self.decision, Denied) else ()


def replay(policy: Policy, records: Iterable[Record], state: State) -> tuple[list[Replayed], State]:
    """Every record decided under ``policy``, oldest first, and the state after the last."""
    spent, recent, releases = dict(state.windows), dict(state.recent), list(state.releases)
    replayed, last = [], (state.created_at, state.id)
    for record in records:
        now = record.created_at
        releases = _release(spent, releases, now)
        spent = {name: amount for name, amount in spent.items() if not windows.is_over(name, now)}
        decision = _decide(policy, record, spent, recent)
        replayed.append(Replayed(record, decided(record), decision))
        releases += _reserve(policy, record, decision, spent, recent)
        last = (now, record.id)
    after = State(created_at=last[0], id=last[1], windows=spent, recent=recent, releases=releases)
    return replayed, after


def decided(record: Record) -> str:
    """The status that the decision gave, whatever has become of the transaction since."""
    if record.reasons:
        return "pending_approval"
    return "denied" if record.violations else "approved"


def describe(replayed: Iterable[Replayed]) -> dict[str, Any]:
    """The public form: the transactions that would change, and totals over all. Totals of pages may be added up."""
    results = list(replayed)
    changed = [each for each in results if each.old != each.new]
    moves: Counter[tuple[str, str]] = Counter()
    values: Counter[tuple[str, str]] = Counter()
    for each in changed:
        moves[each.old, each.new] += 1
        values[each.old, each.new] += each.record.usd or 0
    return {
        "examined": len(results),
        "changes": [_describe(each) for each in changed],
        "totals": [
            {"from": old, "to": new, "count": count, "usd": money.format_usd(values[old, new])}
            for (old, new), count in sorted(moves.items())
        ],
        "rules": dict(sorted(Counter(rule for each in results for rule in each.rules).items())),
    }


def _describe(each: Replayed) -> dict[str, Any]:
    record, asked = each.record, transaction.from_text(each.record.content)
    return {
        "id": record.id,
        "created_at": times.rfc3339(record.created_at),
        "kind": asked.kind,
        "destination": ":".join(asked.destination),
        "usd": None if record.usd is None else money.format_usd(record.usd),
        "from": each.old,
        "to": each.new,
        "rules": list(each.rules),
    }


def _decide(policy: Policy, record: Record, spent: dict[str, int], recent: dict[str, int]) -> Decision:
    mark = _mark(policy, record)
    case = Case(
        transaction.from_text(record.content),
        record.usd,
        record.created_at,
        stale=any(violation.rule == "price_stale" for violation in record.violations),
        spent=spent,
        sent_before=mark is not None and recent.get(mark.name, 0) > mark.since,
    )
    return decide(policy, case)


def _reserve(
    policy: Policy, record: Record, decision: Decision, spent: dict[str, int], recent: dict[str, int]
) -> list[Release]:
    """Take from the windows what the decision takes, and return what of it is given back later."""
    now = record.created_at
    if isinstance(decision, Denied) or record.usd is None:
        denials = windows.name("x", now)
        spent[denials] = spent.get(denials, 0) + 1
        return []
    taken = {}
    for spend in policy.spends(transaction.from_text(record.content), record.usd, now):
        spent[spend.window] = spent.get(spend.window, 0) + spend.amount
        if windows.is_money(spend.window):
            taken[spend.window] = spend.amount
    if mark := _mark(policy, record):
        recent.pop(mark.name, None)
        recent[mark.name] = now
        for forgotten in list(recent)[: -accounts.MAX_RECENT]:
            del recent[forgotten]
    released = record.status in RELEASED and decided(record) != "denied" and record.moved is not None
    return [Release(at=record.moved.at, windows=taken)] if released and record.moved else []


def _release(spent: dict[str, int], releases: list[Release], now: int) -> list[Release]:
    """Give back what is due by ``now``; what is due later, and still matters then, is returned."""
    for release in releases:
        if release.at <= now:
            for name, amount in release.windows.items():
                if name in spent:
                    spent[name] -= amount
    return [
        release
        for release in releases
        if release.at > now and not all(windows.is_over(name, now) for name in release.windows)
    ]


def _mark(policy: Policy, record: Record) -> accounts.Mark | None:
    repeated = policy.duplicates
    return accounts.mark(record.content_sha256, record.created_at, repeated.window) if repeated else None
