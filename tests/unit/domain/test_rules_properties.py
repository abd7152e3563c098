"""What holds of every policy and transaction: a restriction never loosens, and the order of rules says nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portcullis.domain import rules
from portcullis.domain.decisions import RULES, Approved, Decision, Denied, NeedsApproval
from portcullis.domain.policy import Policy, compile_text
from portcullis.domain.policy_document import parse_document
from portcullis.domain.rules import Case, decide, severity
from portcullis.domain.windows import name
from tests.unit.domain import builders
from tests.unit.domain.policy_documents import (
    AGENTS,
    AMOUNTS,
    CASES,
    CATEGORIES,
    CONTRACTS,
    DOCUMENTS,
    MERCHANTS,
    REFERENCES,
    TOKENS,
)

Document = dict[str, Any]
STRICTNESS = (Approved, NeedsApproval, Denied)


def compiled(document: Document) -> Policy:
    return compile_text(parse_document(document).text())


def usual(document: Document) -> Document:
    """The document with everything listed that ``allowlist`` leaves out, so that little but the rest can deny."""
    kinds = sorted(["transfer", "swap", "contract_call", "escrow_create", "escrow_release", "bet", "purchase"])
    listed = {"wallets": REFERENCES, "contracts": CONTRACTS, "agents": AGENTS, "merchants": {"bookshop": "books"}}
    return {**document, "allowlist": {**listed, "kinds": kinds, **document["allowlist"]}}


POLICIES = DOCUMENTS.map(usual)


def least(one: str, other: str) -> str:
    return min(one, other, key=float)


def fewer_entries(document: Document, data: st.DataObject) -> Document:
    allowlist = dict(document["allowlist"])
    name = data.draw(
        st.sampled_from([n for n in ("wallets", "contracts", "agents", "kinds") if allowlist[n]] or ["kinds"])
    )
    allowlist[name] = allowlist[name][1:]
    return {**document, "allowlist": allowlist}


def fewer_merchants(document: Document, data: st.DataObject) -> Document:
    merchants = dict(document["allowlist"]["merchants"])
    merchants.pop(data.draw(st.sampled_from(MERCHANTS)), None)
    return {**document, "allowlist": {**document["allowlist"], "merchants": merchants}}


def narrowed(document: Document, data: st.DataObject) -> Document:
    field, values = data.draw(st.sampled_from([("tokens", TOKENS), ("categories", CATEGORIES)]))
    before = document["allowlist"].get(field)
    if field == "categories" and before is None and document["allowlist"].get("category_sets") is not None:
        return document
    kept = data.draw(st.lists(st.sampled_from(values)))
    allowed = [value for value in kept if before is None or value in before]
    return {**document, "allowlist": {**document["allowlist"], field: allowed}}


def blocked(document: Document, data: st.DataObject) -> Document:
    more = data.draw(st.sampled_from(CATEGORIES))
    return {**document, "blocked_categories": [*document.get("blocked_categories", []), more]}


def lower_limit(document: Document, data: st.DataObject) -> Document:
    limits = dict(document["limits"])
    name = data.draw(st.sampled_from(["per_transaction", "daily", "weekly", "monthly"]))
    amount = data.draw(AMOUNTS)
    limits[name] = least(limits.get(name, amount), amount)
    return {**document, "limits": limits}


def lower_part(document: Document, data: st.DataObject) -> Document:
    values = {"tokens": TOKENS, "merchants": MERCHANTS, "categories": CATEGORIES}
    layer = data.draw(st.sampled_from(sorted(values)))
    part, amount = data.draw(st.sampled_from(values[layer])), data.draw(AMOUNTS)
    parts = dict(document["limits"].get(layer, {}))
    parts[part] = least(parts.get(part, amount), amount)
    return {**document, "limits": {**document["limits"], layer: parts}}


def lower_count(document: Document, data: st.DataObject) -> Document:
    count = data.draw(st.integers(1, 5))
    return {
        **document,
        "limits": {**document["limits"], "hourly_count": min(document["limits"].get("hourly_count", count), count)},
    }


def lower_tier(document: Document, data: st.DataObject) -> Document:
    tiers = dict(document["tiers"])
    defaults = {"allowlist_from": "0", "risk_from": "1000", "human_above": "10000"}
    name, amount = data.draw(st.sampled_from(sorted(defaults))), data.draw(AMOUNTS)
    tiers[name] = least(tiers.get(name, defaults[name]), amount)
    return {**document, "tiers": tiers}


def more_humans(document: Document, data: st.DataObject) -> Document:
    return {**document, "tiers": {**document["tiers"], "humans": 2}}


def duplicates_held(document: Document, data: st.DataObject) -> Document:
    return {**document, "duplicates": document.get("duplicates", {"action": "hold"})}


def duplicates_denied(document: Document, data: st.DataObject) -> Document:
    return {**document, "duplicates": {"action": "deny"}}


RESTRICTIONS = [
    fewer_entries, fewer_merchants, narrowed, blocked, lower_limit, lower_part, lower_count, lower_tier, more_humans,
    duplicates_held, duplicates_denied,
]  # fmt: skip


def strictness(decision: Decision) -> int:
    return STRICTNESS.index(type(decision))


def assert_no_looser(document: Document, restricted: Document, case: Case) -> None:
    before, after = decide(compiled(document), case), decide(compiled(restricted), case)
    assert strictness(after) >= strictness(before)


@pytest.mark.parametrize("restrict", RESTRICTIONS, ids=lambda restrict: restrict.__name__)
@settings(max_examples=50)
@given(document=POLICIES, case=CASES, data=st.data())
def test_a_restriction_never_loosens(
    restrict: Callable[[Document, st.DataObject], Document], document: Document, case: Case, data: st.DataObject
) -> None:
    assert_no_looser(document, restrict(document, data), case)


SHOPS = st.fixed_dictionaries(
    {
        "allowlist": st.fixed_dictionaries({}, optional={"categories": st.lists(st.sampled_from(CATEGORIES))}),
        "limits": st.just({"per_transaction": "1000000", "daily": "1000000"}),
        "tiers": st.fixed_dictionaries({"allowlist_from": st.sampled_from(["0", "100", "1000"])}),
    },
    optional={"blocked_categories": st.lists(st.sampled_from(CATEGORIES))},
).map(usual)
PURCHASES = st.builds(
    lambda name, category, usd: builders.case(
        transaction=builders.admitted("purchase", destination={"merchant": {"id": name, "category": category}}), usd=usd
    ),
    st.sampled_from(MERCHANTS),
    st.sampled_from(CATEGORIES),
    st.sampled_from([1, 99_999_999, 100_000_000]),
)


@pytest.mark.parametrize("restrict", [fewer_merchants, narrowed, blocked, lower_part, lower_tier])
@settings(max_examples=50)
@given(document=SHOPS, case=PURCHASES, data=st.data())
def test_a_restriction_of_merchants_never_loosens(
    restrict: Callable[[Document, st.DataObject], Document], document: Document, case: Case, data: st.DataObject
) -> None:
    assert_no_looser(document, restrict(document, data), case)


@given(POLICIES, CASES, st.permutations(rules._RULES))
def test_the_order_of_rules_changes_nothing(document: Document, case: Case, order: list[rules.Rule]) -> None:
    policy = compiled(document)
    decision = decide(policy, case)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "_RULES", tuple(order))
        other = decide(policy, case)
    assert unordered(other) == unordered(decision)


def unordered(decision: Decision) -> Any:
    return frozenset(decision.violations) if isinstance(decision, Denied) else decision


@given(DOCUMENTS, CASES)
def test_every_case_has_a_decision_with_its_reasons(document: Document, case: Case) -> None:
    match decide(compiled(document), case):
        case Denied(violations):
            assert violations
            assert len({violation.rule for violation in violations}) == len(violations)
            assert all(violation.rule in RULES and 1 <= violation.severity <= 10 for violation in violations)
        case NeedsApproval(by, reasons):
            assert by
            assert reasons
        case Approved():
            assert not rules.broken(compiled(document), case)


TIMES = st.integers(1, 200)
USD = st.none() | st.integers(0, 10**18)
DENIALS = st.integers(0, 30)


@given(st.sampled_from(sorted(RULES)), TIMES, TIMES, USD, USD, DENIALS, DENIALS, CASES)
def test_severity_is_monotone(
    rule: str, times: int, further: int, usd: int | None, more: int | None, denials: int, again: int, seen: Case
) -> None:
    one = replace(seen, usd=usd, spent={name("x", builders.NOW): denials})
    worse = replace(
        seen,
        usd=more if (more or 0) >= (usd or 0) else usd,
        spent={name("x", builders.NOW): max(denials, again)},
    )
    assert 1 <= severity(rule, times, one) <= severity(rule, max(times, further), worse) <= 10


@given(POLICIES, CASES, st.integers(1, 10**12))
def test_no_denial_is_weaker_for_a_larger_amount(document: Document, case: Case, more: int) -> None:
    if case.usd is None:
        return
    policy = compiled(document)
    smaller, larger = decide(policy, case), decide(policy, replace(case, usd=case.usd + more))
    assert strictness(larger) >= strictness(smaller)
    if isinstance(smaller, Denied) and isinstance(larger, Denied):
        severities = {violation.rule: violation.severity for violation in larger.violations}
        assert all(severities[violation.rule] >= violation.severity for violation in smaller.violations)
