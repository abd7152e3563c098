"""Protection levels at their boundaries, and a warning for each mistake alone."""

from typing import Any

import pytest
from hypothesis import given

from portcullis.domain.policy_document import parse_document
from portcullis.domain.policy_review import PROTECTION, protection, review, warnings
from tests.unit.domain.policies import CONTRACT, DOCUMENTS, EXECUTOR, OTHER, SELECTOR, document, parsed, policy


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, "strict"),
        ({"tiers": {"allowlist_from": "500.000001"}}, "open"),
        ({"tiers": {"allowlist_from": "500.00"}}, "basic"),
        ({"tiers": {"allowlist_from": "0.000001"}}, "basic"),
        ({"tiers": {"allowlist_from": "900.00"}, "allowlist": {"kinds": ["swap"]}}, "strict"),
        ({"allowlist": {"tokens": None}}, "standard"),
        ({"duplicates": None}, "standard"),
        ({"limits": {"weekly": None}}, "standard"),
        ({"limits": {"weekly": None, "monthly": "9000.00"}}, "strict"),
        ({"tiers": {"risk_from": "500.00", "human_above": "900.00"}}, "strict"),
        ({"tiers": {"risk_from": "500.000001", "human_above": "900.00"}}, "standard"),
        ({"tiers": {"risk_from": "900.00", "human_above": "499.999999"}}, "strict"),
        ({"tiers": {"risk_from": "900.00", "human_above": "500.00"}}, "standard"),
        ({"tiers": {"risk_from": "400.00", "human_above": "900.00"}, "limits": {"weekly": "399.00"}}, "standard"),
    ],
)
def test_the_protection_level_is_exact(changes: dict[str, Any], level: str) -> None:
    assert protection(policy(**changes)) == level


def test_a_strict_policy_has_no_warning() -> None:
    assert review(parsed()) == {"protection": "strict", "warnings": []}


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"tiers": {"allowlist_from": "500.01"}}, "open", "tiers.allowlist_from"),
        ({"tiers": {"allowlist_from": "0.01"}}, "unlisted_payments", "tiers.allowlist_from"),
        ({"allowlist": {"wallets": []}}, "nobody_can_be_paid", "allowlist"),
        ({"allowlist": {"kinds": []}}, "nobody_can_be_paid", "allowlist.kinds"),
        ({"allowlist": {"kinds": ["swap"]}}, "kind_without_destination", "allowlist.kinds"),
        (
            {"allowlist": {"kinds": ["swap"], "contracts": [f"{CONTRACT}#{SELECTOR}"]}},
            "kind_without_destination",
            "allowlist.kinds",
        ),
        (
            {"allowlist": {"kinds": ["contract_call"], "contracts": [CONTRACT]}},
            "kind_without_destination",
            "allowlist.kinds",
        ),
        (
            {"allowlist": {"kinds": ["escrow_release"], "contracts": [CONTRACT]}},
            "kind_without_destination",
            "allowlist.kinds",
        ),
        (
            {"allowlist": {"kinds": ["swap"], "contracts": [CONTRACT], "tokens": None}},
            "swap_for_any_token",
            "allowlist.tokens",
        ),
        (
            {"allowlist": {"categories": ["books"]}, "blocked_categories": ["books"]},
            "blocked_and_allowed",
            "blocked_categories",
        ),
        (
            {"allowlist": {"merchants": {"shop": "books"}, "categories": ["gpu"]}},
            "merchant_without_category",
            "allowlist.merchants",
        ),
        ({"limits": {"daily": "499.99"}}, "limit_below_shorter", "limits.daily"),
        ({"limits": {"weekly": "999.99"}}, "limit_below_shorter", "limits.weekly"),
        ({"limits": {"monthly": "4999.99"}}, "limit_below_shorter", "limits.monthly"),
        ({"limits": {"weekly": None}}, "no_long_limit", "limits"),
        ({"limits": {"tokens": {"ETH": "1.00"}}}, "limit_without_effect", "limits.tokens"),
        ({"limits": {"merchants": {"shop": "1.00"}}}, "limit_without_effect", "limits.merchants"),
        (
            {"limits": {"categories": {"gpu": "1.00"}}, "blocked_categories": ["gpu"]},
            "limit_without_effect",
            "limits.categories",
        ),
        ({"tiers": {"risk_from": "400.01"}}, "tier_without_effect", "tiers.risk_from"),
        ({"risk_agents": []}, "nobody_can_approve", "risk_agents"),
        ({"duplicates": None}, "no_duplicate_check", "duplicates"),
        ({"executors": []}, "nobody_can_claim", "executors"),
        ({"risk_agents": [EXECUTOR]}, "executor_approves", "risk_agents"),
    ],
)
def test_each_mistake_is_warned_of_alone(changes: dict[str, Any], code: str, field: str) -> None:
    (found,) = warnings(parsed(**changes))
    assert (found.code, found.field) == (code, field)


@pytest.mark.parametrize(
    "changes",
    [
        {"allowlist": {"kinds": ["contract_call"], "contracts": [f"{CONTRACT}#{SELECTOR}"]}},
        {"allowlist": {"kinds": ["escrow_create"], "contracts": [CONTRACT]}},
        {"limits": {"daily": "500.00"}},
        {"limits": {"tokens": {"USDC": "1.00"}}},
        {"risk_agents": [], "tiers": {"risk_from": "500.01", "human_above": "600.00"}},
        {"risk_agents": [], "tiers": {"risk_from": "400.01", "human_above": "400.00"}},
    ],
)
def test_what_is_meant_is_not_warned_of(changes: dict[str, Any]) -> None:
    assert warnings(parsed(**changes)) == ()


def test_a_document_without_anything_allows_nobody() -> None:
    codes = [found.code for found in warnings(parse_document({}))]
    assert codes == ["nobody_can_be_paid", "no_long_limit", "no_duplicate_check", "nobody_can_claim"]


def test_long_lists_are_named_in_part() -> None:
    merchants = {f"shop{number}": "books" for number in range(7)}
    (found,) = warnings(parsed(allowlist={"merchants": merchants}, blocked_categories=["books"]))
    assert found.detail.endswith("shop0, shop1, shop2, shop3, shop4 and 2 more")


@given(DOCUMENTS)
def test_listing_another_wallet_never_changes_the_protection(drawn: dict[str, Any]) -> None:
    wider = {**drawn, "allowlist": {**drawn["allowlist"], "wallets": [OTHER]}}
    levels = {review(parse_document(each))["protection"] for each in (drawn, wider)}
    assert len(levels) == 1
    assert levels < set(PROTECTION)


def test_the_document_of_these_tests_is_complete() -> None:
    assert document(duplicates=None).keys() == document().keys() - {"duplicates"}
