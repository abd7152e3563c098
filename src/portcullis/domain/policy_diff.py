"""What changes between two policies: entries that come and go, values that move, and whether that loosens or tightens.

``tightens`` promises that no decision on any transaction becomes more favourable by it; ``either`` promises nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from portcullis.domain import money
from portcullis.domain.trust import CATEGORY_SETS, LEVELS
from portcullis.protocol.strict_json import parse_object

Effect = Literal["loosens", "tightens", "either"]
Document = dict[str, Any]

_OPPOSITE: dict[Effect, Effect] = {"loosens": "tightens", "tightens": "loosens", "either": "either"}
_MORE_LOOSENS = (
    "limits.per_transaction",
    "limits.daily",
    "limits.weekly",
    "limits.monthly",
    "limits.hourly_count",
    "tiers.allowlist_from",
    "tiers.risk_from",
    "tiers.human_above",
    "tiers.approval_seconds",
    "rate.per_minute",
    "rate.burst",
    "call_rate.per_minute",
    "call_rate.burst",
)
_MORE_TIGHTENS = ("tiers.humans", "duplicates.within_seconds")


@dataclass(frozen=True, slots=True)
class Difference:
    """``entries`` that were added to or removed from the list at ``path``, or a value that changed from ``old`` to
    ``new`` (None: absent)."""

    path: str
    change: Literal["added", "removed", "changed"]
    effect: Effect
    entries: tuple[str, ...] = ()
    old: Any = None
    new: Any = None


def diff(old_text: str, new_text: str) -> tuple[Difference, ...]:
    """The differences between two canonical texts; none exactly when they are the same."""
    old, new = parse_object(old_text), parse_object(new_text)
    return tuple(found for part in _PARTS for found in part(old, new))


def describe(difference: Difference) -> dict[str, Any]:
    """The public form."""
    shown: dict[str, Any] = {"path": difference.path, "change": difference.change, "effect": difference.effect}
    if difference.change == "changed":
        return shown | {"old": difference.old, "new": difference.new}
    return shown | {"entries": list(difference.entries)}


def _trust(old: Document, new: Document) -> Iterator[Difference]:
    if old["trust"] != new["trust"]:
        raised = LEVELS.index(new["trust"]) > LEVELS.index(old["trust"])
        yield _changed("trust", old["trust"], new["trust"], "loosens" if raised else "tightens")


def _lists(old: Document, new: Document) -> Iterator[Difference]:
    before, after = old["allowlist"], new["allowlist"]
    for name in ("wallets", "contracts", "agents", "kinds"):
        yield from _entries(f"allowlist.{name}", before[name], after[name], "loosens")
    yield from _narrowing("allowlist.tokens", before.get("tokens"), after.get("tokens"))
    for name in ("executors", "risk_agents"):
        yield from _entries(name, old[name], new[name], "loosens")
    yield from _entries("blocked_categories", old["blocked_categories"], new["blocked_categories"], "tightens")


def _merchants(old: Document, new: Document) -> Iterator[Difference]:
    """A listed merchant is held to its category, so where unlisted ones may be paid too, listing one cuts both ways."""
    before, after = old["allowlist"]["merchants"], new["allowlist"]["merchants"]
    waived = any(money.parse_usd(document["tiers"]["allowlist_from"]) for document in (old, new))
    yield from _entries("allowlist.merchants", before, after, "either" if waived else "loosens")
    for id_ in sorted(before.keys() & after.keys()):
        if before[id_] != after[id_]:
            yield _changed(f"allowlist.merchants.{id_}", before[id_], after[id_], "either")


def _categories(old: Document, new: Document) -> Iterator[Difference]:
    """Categories and sets of them narrow as one list, so each is judged by what both together allow."""
    before, after = old["allowlist"], new["allowlist"]
    allowed, now_allowed = _allowed_categories(before), _allowed_categories(after)
    for name in ("categories", "category_sets"):
        path, was, becomes = f"allowlist.{name}", before.get(name), after.get(name)
        if was is not None and becomes is not None and allowed is not None and now_allowed is not None:
            yield from _entries(path, was, becomes, "loosens")
        elif was != becomes:
            yield _changed(path, was, becomes, _narrows(allowed, now_allowed))


def _values(old: Document, new: Document) -> Iterator[Difference]:
    for path in (*_MORE_LOOSENS, *_MORE_TIGHTENS):
        was, becomes = _at(old, path), _at(new, path)
        if was == becomes or (path.startswith("duplicates.") and None in (was, becomes)):
            continue
        more: Effect = "loosens" if path in _MORE_LOOSENS else "tightens"
        yield _changed(path, was, becomes, more if _size(becomes) > _size(was) else _OPPOSITE[more])


def _part_limits(old: Document, new: Document) -> Iterator[Difference]:
    for name in ("tokens", "merchants", "categories"):
        before, after = old["limits"][name], new["limits"][name]
        for part in sorted(before.keys() | after.keys()):
            was, becomes = before.get(part), after.get(part)
            if was != becomes:
                effect: Effect = "loosens" if _size(becomes) > _size(was) else "tightens"
                yield _changed(f"limits.{name}.{part}", was, becomes, effect)


def _duplicates(old: Document, new: Document) -> Iterator[Difference]:
    was, becomes = old.get("duplicates"), new.get("duplicates")
    if was is None or becomes is None:
        if was != becomes:
            yield _changed("duplicates", was, becomes, "loosens" if becomes is None else "tightens")
    elif was["action"] != becomes["action"]:
        effect: Effect = "tightens" if becomes["action"] == "deny" else "loosens"
        yield _changed("duplicates.action", was["action"], becomes["action"], effect)


_PARTS: tuple[Callable[[Document, Document], Iterator[Difference]], ...] = (
    _trust,
    _lists,
    _merchants,
    _categories,
    _values,
    _part_limits,
    _duplicates,
)


def _entries(path: str, old: Any, new: Any, more: Effect) -> Iterator[Difference]:
    if added := tuple(sorted(set(new) - set(old))):
        yield Difference(path, "added", more, added)
    if removed := tuple(sorted(set(old) - set(new))):
        yield Difference(path, "removed", _OPPOSITE[more], removed)


def _narrowing(path: str, old: list[str] | None, new: list[str] | None) -> Iterator[Difference]:
    """A list whose absence means that it does not narrow."""
    if old is not None and new is not None:
        yield from _entries(path, old, new, "loosens")
    elif old != new:
        yield _changed(path, old, new, "tightens" if old is None else "loosens")


def _allowed_categories(allowlist: Document) -> set[str] | None:
    if "categories" not in allowlist and "category_sets" not in allowlist:
        return None
    return set(allowlist.get("categories", ())).union(
        *(CATEGORY_SETS[name] for name in allowlist.get("category_sets", ()))
    )


def _narrows(old: set[str] | None, new: set[str] | None) -> Effect:
    if new is None:
        return "loosens"
    if old is None or new <= old:
        return "tightens"
    return "loosens" if old <= new else "either"


def _changed(path: str, old: Any, new: Any, effect: Effect) -> Difference:
    return Difference(path, "changed", effect, old=old, new=new)


def _at(document: Document, path: str) -> Any:
    value: Any = document
    for name in path.split("."):
        value = None if value is None else value.get(name)
    return value


def _size(value: Any) -> float:
    """Numbers and amounts in one order, in which no limit at all is the highest."""
    if value is None:
        return float("inf")
    return money.parse_usd(value) if isinstance(value, str) else value
