"""An explanation says of every rule what the decision made of it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain import windows
from portcullis.domain.decisions import RULES, Denied
from portcullis.domain.explanation import Explanation, describe, explain, tier
from portcullis.domain.policy import compile_text
from portcullis.domain.policy_document import parse_document
from portcullis.domain.record import status_of
from portcullis.domain.rules import Case, decide
from portcullis.domain.transaction import Transaction
from tests.unit.domain.builders import NOW, transaction
from tests.unit.domain.policies import CONTRACT, DOCUMENTS, TRANSACTIONS, policy

DOLLAR = 1_000_000
DAY = windows.name("d", NOW)


def explained(asked: Transaction, usd: int | None = DOLLAR, *, spent: int = 0, **changes: Any) -> Explanation:
    return explain(policy(**changes), Case(asked, usd, NOW, spent={DAY: spent}))


def verdicts(found: Explanation) -> dict[str, str]:
    return {each.rule: each.verdict for each in found.rules}


def test_what_is_approved_passes_what_applies() -> None:
    found = explained(transaction())
    by_verdict = {
        verdict: {rule for rule, said in verdicts(found).items() if said == verdict}
        for verdict in verdicts(found).values()
    }
    assert (found.status, found.tier) == ("approved", "allowlist")
    assert by_verdict["pass"] == {
        "kind_not_allowed",
        "destination_not_allowlisted",
        "token_not_allowlisted",
        "token_unpriced",
        "price_stale",
        "per_transaction_limit",
        "daily_limit",
        "weekly_limit",
        "possible_duplicate",
    }
    assert by_verdict.keys() == {"pass", "not_applicable"}


@pytest.mark.parametrize(
    ("asked", "usd", "changes", "rule"),
    [
        (transaction(), 501 * DOLLAR, {}, "per_transaction_limit"),
        (transaction(token="ETH"), DOLLAR, {}, "token_not_allowlisted"),
        (transaction(), DOLLAR, {"allowlist": {"wallets": []}}, "destination_not_allowlisted"),
        (transaction(), None, {}, "token_unpriced"),
        (
            transaction("contract_call", destination={"contract": CONTRACT.split(":")[1]}),
            DOLLAR,
            {"allowlist": {"kinds": ["contract_call"]}},
            "selector_not_allowlisted",
        ),
    ],
)
def test_a_broken_rule_is_told_with_its_severity(
    asked: Transaction, usd: int | None, changes: dict[str, Any], rule: str
) -> None:
    found = explained(asked, usd, **changes)
    (told,) = [each for each in describe(found)["rules"] if each["verdict"] == "broken"]
    assert (found.status, told["rule"], told["detail"]) == ("denied", rule, RULES[rule])
    assert told["severity"] >= 1


def test_the_windows_tell_what_is_used_wanted_and_allowed() -> None:
    found = describe(explained(transaction(), 100 * DOLLAR, spent=950 * DOLLAR, limits={"hourly_count": 3}))
    assert found["windows"] == [
        {"rule": "daily_limit", "window": DAY, "limit": "1000.00", "used": "950.00", "wanted": "100.00"},
        {
            "rule": "weekly_limit",
            "window": windows.name("w", NOW),
            "limit": "5000.00",
            "used": "0.00",
            "wanted": "100.00",
        },
        {"rule": "hourly_count_limit", "window": windows.name("h", NOW), "limit": "3", "used": "0", "wanted": "1"},
    ]
    assert found["status"] == "denied"


@pytest.mark.parametrize(
    ("usd", "needs"),
    [
        (0, "none"),
        (9, "none"),
        (10, "allowlist"),
        (99, "allowlist"),
        (100, "risk_agent"),
        (400, "risk_agent"),
        (401, "human"),
    ],
)
def test_the_tier_is_exact(usd: int, needs: str) -> None:
    assert tier(policy(tiers={"allowlist_from": "10.00"}), usd * DOLLAR) == needs


@given(DOCUMENTS, TRANSACTIONS, st.sampled_from([None, 1, 12_500_000, 60_000_000]), st.booleans(), st.booleans())
def test_the_explanation_is_the_decision(
    document: dict[str, Any], asked: Transaction, usd: int | None, repeated: bool, stale: bool
) -> None:
    compiled = compile_text(parse_document(document).text())
    case = Case(asked, usd, NOW, stale=stale, sent_before=repeated)
    found, decision = explain(compiled, case), decide(compiled, case)
    violated = {v.rule: v.severity for v in decision.violations} if isinstance(decision, Denied) else {}
    assert found.status == status_of(decision)
    assert {each.rule: each.severity for each in found.rules if each.verdict == "broken"} == violated
    assert list(verdicts(found)) == list(RULES)


def test_a_rule_is_told_by_the_case_alone() -> None:
    priced = explain(policy(), Case(transaction(), DOLLAR, NOW))
    stale = explain(policy(), replace(Case(transaction(), None, NOW), stale=True))
    assert verdicts(priced)["price_stale"] == "pass"
    assert verdicts(stale)["price_stale"] == "broken"
    assert verdicts(stale)["per_transaction_limit"] == "not_applicable"
