"""Differences: none exactly between equals, each with its direction, which holds for every decision."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portcullis.domain.policy import compile_text
from portcullis.domain.policy_diff import Difference, describe, diff
from portcullis.domain.policy_document import parse_document
from portcullis.domain.record import status_of
from portcullis.domain.rules import Case, decide
from portcullis.domain.transaction import Transaction
from tests.unit.domain.builders import NOW
from tests.unit.domain.policies import DOCUMENTS, OTHER, PARTS, RISK_AGENT, TRANSACTIONS, WALLET, parsed

FAVOUR = {"denied": 0, "pending_approval": 1, "approved": 2}
OPPOSITE = {"loosens": "tightens", "tightens": "loosens", "either": "either"}


def differences(before: dict[str, Any], after: dict[str, Any]) -> tuple[Difference, ...]:
    return diff(parsed(**before).text(), parsed(**after).text())


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            {},
            {"allowlist": {"wallets": [WALLET, OTHER]}},
            Difference("allowlist.wallets", "added", "loosens", (OTHER,)),
        ),
        ({}, {"allowlist": {"wallets": []}}, Difference("allowlist.wallets", "removed", "tightens", (WALLET,))),
        ({}, {"blocked_categories": ["gpu"]}, Difference("blocked_categories", "added", "tightens", ("gpu",))),
        ({}, {"risk_agents": []}, Difference("risk_agents", "removed", "tightens", (RISK_AGENT,))),
        (
            {},
            {"allowlist": {"tokens": None}},
            Difference("allowlist.tokens", "changed", "loosens", old=["USDC"]),
        ),
        (
            {"allowlist": {"categories": ["books"]}},
            {"allowlist": {"categories": ["books"], "category_sets": ["compute"]}},
            Difference("allowlist.category_sets", "changed", "loosens", new=["compute"]),
        ),
        (
            {},
            {"allowlist": {"category_sets": ["compute"]}},
            Difference("allowlist.category_sets", "changed", "tightens", new=["compute"]),
        ),
        (
            {"allowlist": {"merchants": {"shop": "books"}}},
            {"allowlist": {"merchants": {"shop": "gpu"}}},
            Difference("allowlist.merchants.shop", "changed", "either", old="books", new="gpu"),
        ),
        (
            {"tiers": {"allowlist_from": "1.00"}},
            {"tiers": {"allowlist_from": "1.00"}, "allowlist": {"merchants": {"shop": "gpu"}}},
            Difference("allowlist.merchants", "added", "either", ("shop",)),
        ),
        (
            {},
            {"limits": {"daily": "999.99"}},
            Difference("limits.daily", "changed", "tightens", old="1000.00", new="999.99"),
        ),
        ({}, {"limits": {"weekly": None}}, Difference("limits.weekly", "changed", "loosens", old="5000.00")),
        ({}, {"limits": {"hourly_count": 9}}, Difference("limits.hourly_count", "changed", "tightens", new=9)),
        (
            {},
            {"limits": {"tokens": {"USDC": "1.00"}}},
            Difference("limits.tokens.USDC", "changed", "tightens", new="1.00"),
        ),
        ({}, {"tiers": {"humans": 2}}, Difference("tiers.humans", "changed", "tightens", old=1, new=2)),
        (
            {},
            {"duplicates": {"action": "deny"}},
            Difference("duplicates.action", "changed", "tightens", old="hold", new="deny"),
        ),
        ({}, {"rate": {"burst": 1}}, Difference("rate.burst", "changed", "tightens", old=100, new=1)),
    ],
)
def test_one_change_is_one_difference_and_its_reverse_the_opposite(
    before: dict[str, Any], after: dict[str, Any], expected: Difference
) -> None:
    assert differences(before, after) == (expected,)
    (back,) = differences(after, before)
    assert (back.path, back.effect) == (expected.path, OPPOSITE[expected.effect])


def test_a_level_of_trust_is_a_difference_with_its_limits() -> None:
    low, medium = (parse_document({"trust": trust}).text() for trust in ("low", "medium"))
    assert [(found.path, found.effect) for found in diff(low, medium)] == [
        ("trust", "loosens"),
        ("limits.per_transaction", "loosens"),
        ("limits.daily", "loosens"),
    ]


def test_the_public_form_has_entries_or_values() -> None:
    assert describe(Difference("a", "added", "loosens", ("x",))) == {
        "path": "a",
        "change": "added",
        "effect": "loosens",
        "entries": ["x"],
    }
    changed = describe(Difference("b", "changed", "tightens", old=None, new="1.00"))
    assert changed == {"path": "b", "change": "changed", "effect": "tightens", "old": None, "new": "1.00"}


@given(DOCUMENTS, DOCUMENTS)
def test_there_is_no_difference_exactly_between_equals(one: dict[str, Any], other: dict[str, Any]) -> None:
    texts = parse_document(one).text(), parse_document(other).text()
    assert (diff(*texts) == ()) is (texts[0] == texts[1])
    assert diff(texts[0], texts[0]) == ()


@settings(max_examples=200)
@given(DOCUMENTS, st.data(), TRANSACTIONS, st.sampled_from([1, 12_500_000, 60_000_000]), st.booleans())
def test_what_only_tightens_never_favours_a_transaction(
    one: dict[str, Any], data: st.DataObject, asked: Transaction, usd: int, repeated: bool
) -> None:
    part = data.draw(st.sampled_from(sorted(PARTS)))
    mixed = {name: value for name, value in {**one, part: data.draw(PARTS[part])}.items() if value is not None}
    texts = parse_document(one).text(), parse_document(mixed).text()
    effects = {found.effect for found in diff(*texts)}
    assume(effects in ({"tightens"}, {"loosens"}))
    case = Case(asked, usd, NOW, sent_before=repeated)
    before, after = (FAVOUR[status_of(decide(compile_text(text), case))] for text in texts)
    assert after <= before if effects == {"tightens"} else after >= before
