"""The decision table: every rule and every tier, exact at its boundary."""

from typing import Any

import pytest

from portcullis.domain import rules, times, windows
from portcullis.domain.decisions import (
    BY_HUMAN,
    BY_PARTIES,
    BY_RISK_AGENT,
    RULES,
    Approved,
    Decision,
    Denied,
    NeedsApproval,
    Violation,
)
from portcullis.domain.rules import FEW, LARGE, MANY, NOTABLE, WEIGHTS, decide, severity
from tests.unit.domain import builders

DOLLAR = 1_000_000
NOW = builders.NOW
STRANGER = "ag_" + "s" * 22
OTHER = "0x" + "1" * 40
AFTER_THE_DECISION = {"approval_refused", "approval_void"}
Changes = dict[str, Any]


def judged(transaction: Changes, policy: Changes, case: Changes) -> Decision:
    """The decision on a transaction of ``kind`` to where it is admitted, each changed as told."""
    sent = builders.admitted(transaction.get("kind", "transfer"), **without_kind(transaction))
    return decide(builders.policy(**policy), builders.case(transaction=sent, **case))


def without_kind(transaction: Changes) -> Changes:
    return {name: value for name, value in transaction.items() if name != "kind"}


def broken(decision: Decision) -> set[str]:
    return {violation.rule for violation in decision.violations} if isinstance(decision, Denied) else set()


def merchant(name: str, category: str) -> Changes:
    return {"kind": "purchase", "destination": {"merchant": {"id": name, "category": category}}}


# The rule, and what is changed in the transaction, the policy and the case to break it alone.
BROKEN: list[tuple[str, Changes, Changes, Changes]] = [
    ("kind_not_allowed", {}, {"allowlist": {"kinds": ["purchase"]}}, {}),
    ("destination_not_allowlisted", {"destination": {"wallet": OTHER}}, {}, {}),
    ("destination_not_allowlisted", {"chain": "ethereum"}, {}, {}),
    ("destination_not_allowlisted", {"destination": {"contract": OTHER}}, {}, {}),
    ("destination_not_allowlisted", {"destination": {"contract": builders.WALLET}}, {}, {}),
    ("destination_not_allowlisted", {"destination": {"wallet": builders.CONTRACT}}, {}, {}),
    ("destination_not_allowlisted", {"destination": {"agent": STRANGER}}, {}, {}),
    ("destination_not_allowlisted", merchant("other", "books"), {}, {}),
    ("destination_not_allowlisted", {"kind": "swap"}, {"allowlist": {"contracts": []}}, {}),
    ("destination_not_allowlisted", {"kind": "swap", "chain": "ethereum"}, {}, {}),
    ("selector_not_allowlisted", {"kind": "contract_call"}, {"allowlist": {"contracts": []}}, {}),
    (
        "selector_not_allowlisted",
        {"kind": "contract_call", "call": {"selector": "0x095ea7b3", "data_sha256": "0" * 64}},
        {},
        {},
    ),
    (
        "selector_not_allowlisted",
        {"kind": "contract_call"},
        {"allowlist": {"contracts": [f"base:{builders.CONTRACT}"]}},
        {},
    ),
    (
        "destination_not_allowlisted",
        {"kind": "bet"},
        {"allowlist": {"contracts": [f"base:{builders.CONTRACT}#0xa9059cbb"]}},
        {},
    ),
    ("token_not_allowlisted", {}, {"allowlist": {"tokens": []}}, {}),
    ("token_not_allowlisted", {}, {"allowlist": {"tokens": ["ETH"]}}, {}),
    ("token_not_allowlisted", {"kind": "swap"}, {"allowlist": {"tokens": ["USDC"]}}, {}),
    ("token_not_allowlisted", {"kind": "swap"}, {"allowlist": {"tokens": ["ETH"]}}, {}),
    ("instruction_not_allowlisted", {"instructed_by": STRANGER}, {}, {}),
    ("category_not_allowlisted", {"kind": "purchase"}, {"allowlist": {"categories": []}}, {}),
    ("category_not_allowlisted", {"kind": "purchase"}, {"allowlist": {"category_sets": ["travel", "data"]}}, {}),
    ("category_mismatch", merchant("bookshop", "cloud"), {}, {}),
    ("category_blocked", {"kind": "purchase"}, {"blocked_categories": ["books"]}, {}),
    (
        "category_blocked",
        {"kind": "purchase"},
        {"blocked_categories": ["books"], "allowlist": {"categories": ["books"]}},
        {},
    ),
    ("token_unpriced", {}, {}, {"usd": None}),
    ("price_stale", {}, {}, {"usd": None, "stale": True}),
    ("per_transaction_limit", {}, {"limits": {"per_transaction": "12.499999"}}, {}),
    ("daily_limit", {}, {"limits": {"daily": "12.499999"}}, {}),
    ("weekly_limit", {}, {"limits": {"weekly": "12.499999"}}, {}),
    ("monthly_limit", {}, {"limits": {"monthly": "12.499999"}}, {}),
    ("hourly_count_limit", {}, {"limits": {"hourly_count": 3}}, {"spent": {"h2026112106": 3}}),
    ("token_limit", {}, {"limits": {"tokens": {"USDC": "12.499999"}}}, {}),
    ("merchant_limit", {"kind": "purchase"}, {"limits": {"merchants": {"bookshop": "12.499999"}}}, {}),
    ("category_limit", {"kind": "purchase"}, {"limits": {"categories": {"books": "12.499999"}}}, {}),
    ("possible_duplicate", {}, {"duplicates": {"action": "deny"}}, {"sent_before": True}),
]  # fmt: skip

KEPT: list[tuple[Changes, Changes, Changes]] = [
    ({"destination": {"wallet": "0x" + builders.WALLET[2:].upper()}}, {}, {}),
    ({"destination": {"contract": builders.CONTRACT}}, {}, {}),
    ({"destination": {"agent": builders.AGENT}}, {}, {}),
    (merchant("bookshop", "books"), {}, {}),
    ({}, {"allowlist": {"tokens": ["USDC"]}}, {}),
    ({"kind": "swap"}, {"allowlist": {"tokens": ["ETH", "USDC"]}}, {}),
    ({"instructed_by": builders.AGENT}, {}, {}),
    ({"kind": "purchase"}, {"allowlist": {"categories": ["books"]}}, {}),
    ({"kind": "purchase"}, {"allowlist": {"category_sets": ["travel", "retail"]}}, {}),
    ({"kind": "purchase"}, {"allowlist": {"categories": ["cloud"], "category_sets": ["retail"]}}, {}),
    ({}, {"allowlist": {"categories": []}, "blocked_categories": ["books"]}, {}),
    ({"kind": "purchase"}, {"blocked_categories": ["gambling"]}, {}),
    ({}, {"limits": {"per_transaction": "12.5", "daily": "12.5", "weekly": "12.5", "monthly": "12.5"}}, {}),
    ({}, {"limits": {"hourly_count": 3}}, {"spent": {"h2026112106": 2}}),
    ({}, {"limits": {"tokens": {"USDC": "12.5", "ETH": "0"}}}, {}),
    ({"kind": "swap"}, {"limits": {"tokens": {"ETH": "0"}}}, {}),
    ({"kind": "purchase"}, {"limits": {"merchants": {"bookshop": "12.5", "other": "0"}}}, {}),
    ({"kind": "purchase"}, {"limits": {"categories": {"books": "12.5", "cloud": "0"}}}, {}),
    ({}, {"limits": {"merchants": {"bookshop": "0"}, "categories": {"books": "0"}}}, {}),
    ({}, {}, {"sent_before": True}),
    ({}, {"duplicates": {"action": "deny"}}, {}),
]


@pytest.mark.parametrize("kind", sorted(set(builders.KINDS) - {"escrow_release"}))
def test_what_keeps_within_everything_is_approved(kind: str) -> None:
    assert judged({"kind": kind}, {}, {}) == Approved()


@pytest.mark.parametrize(("transaction", "policy", "case"), KEPT)
def test_what_a_rule_admits_is_approved(transaction: Changes, policy: Changes, case: Changes) -> None:
    assert judged(transaction, policy, case) == Approved()


@pytest.mark.parametrize(("rule", "transaction", "policy", "case"), BROKEN)
def test_a_broken_rule_denies_alone(rule: str, transaction: Changes, policy: Changes, case: Changes) -> None:
    assert judged(transaction, policy, case) == Denied((Violation(rule, WEIGHTS[rule]),))


def test_the_table_has_every_rule_of_a_decision() -> None:
    assert {rule for rule, *_ in BROKEN} | AFTER_THE_DECISION == set(RULES) == set(WEIGHTS)


@pytest.mark.parametrize(
    ("kind", "layer"),
    [
        *[("swap", layer) for layer in ("wallet", "agent", "merchant")],
        *[("contract_call", layer) for layer in ("wallet", "agent", "merchant")],
        *[("escrow_create", layer) for layer in ("wallet", "merchant")],
        *[("escrow_release", layer) for layer in ("wallet", "contract", "merchant")],
    ],
)
def test_a_kind_goes_only_where_its_effect_can_be_told(kind: str, layer: str) -> None:
    everywhere = {"wallet": builders.WALLET, "contract": builders.CONTRACT, "agent": builders.AGENT}
    destination = builders.MERCHANT if layer == "merchant" else {layer: everywhere[layer]}
    decision = judged({"kind": kind, "destination": destination}, {}, {})
    assert decision == Denied((Violation("kind_not_allowed", 5),))


def test_a_denial_names_every_rule() -> None:
    everything: Changes = {
        "allowlist": {"kinds": [], "merchants": {}, "tokens": [], "categories": []},
        "blocked_categories": ["books"],
        "limits": {
            "per_transaction": "0", "daily": "0", "weekly": "0", "monthly": "0", "hourly_count": 1,
            "tokens": {"USDC": "0"}, "merchants": {"bookshop": "0"}, "categories": {"books": "0"},
        },
        "duplicates": {"action": "deny"},
    }  # fmt: skip
    case = {"spent": {"h2026112106": 1}, "sent_before": True}
    asked = {"kind": "purchase", "instructed_by": STRANGER}
    cannot_meet = {"selector_not_allowlisted", "category_mismatch", "token_unpriced", "price_stale"}
    expected = set(RULES) - AFTER_THE_DECISION - cannot_meet
    assert broken(judged(asked, everything, case)) == expected

    everything["allowlist"] = {**everything["allowlist"], "merchants": {"bookshop": "cloud"}}
    listed = expected - {"destination_not_allowlisted"} | {"category_mismatch"}
    assert broken(judged(asked, everything, case)) == listed


@pytest.mark.parametrize(
    ("usd", "expected"),
    [
        (999_999_999, Approved()),
        (1000 * DOLLAR, NeedsApproval((BY_RISK_AGENT,), ("amount",))),
        (10_000 * DOLLAR, NeedsApproval((BY_RISK_AGENT,), ("amount",))),
        (10_000 * DOLLAR + 1, NeedsApproval((BY_HUMAN,), ("amount",))),
        (20_000 * DOLLAR, NeedsApproval((BY_HUMAN,), ("amount",))),
        (20_000 * DOLLAR + 1, Denied((Violation("per_transaction_limit", 5),))),
    ],
)
def test_the_tiers_are_exact(usd: int, expected: Decision) -> None:
    assert judged({}, {}, {"usd": usd}) == expected


@pytest.mark.parametrize(
    ("tiers", "case", "by", "reasons"),
    [
        ({"human_above": "0", "humans": 2}, {}, (BY_HUMAN, BY_HUMAN), ("amount",)),
        ({"risk_from": "0"}, {}, (BY_RISK_AGENT,), ("amount",)),
        ({"risk_from": "1000", "human_above": "1"}, {}, (BY_HUMAN,), ("amount",)),
        ({}, {"sent_before": True}, (BY_HUMAN,), ("possible_duplicate",)),
        ({"humans": 2}, {"sent_before": True}, (BY_HUMAN,), ("possible_duplicate",)),
        ({"risk_from": "1"}, {"sent_before": True}, (BY_RISK_AGENT, BY_HUMAN), ("amount", "possible_duplicate")),
        ({"human_above": "1"}, {"sent_before": True}, (BY_HUMAN,), ("amount", "possible_duplicate")),
    ],
)
def test_who_has_to_approve_and_why(
    tiers: Changes, case: Changes, by: tuple[str, ...], reasons: tuple[str, ...]
) -> None:
    repeated = {"duplicates": {"action": "hold"}}
    assert judged({}, {"tiers": tiers, **repeated}, case) == NeedsApproval(by, reasons)
    released = judged({"kind": "escrow_release"}, {"tiers": tiers, **repeated}, case)
    assert released == NeedsApproval((BY_PARTIES, *by), ("escrow_release", *reasons))


def test_an_escrow_is_released_by_its_parties() -> None:
    expected = NeedsApproval((BY_PARTIES,), ("escrow_release",))
    assert judged({"kind": "escrow_release"}, {}, {}) == expected


UNLISTED: Changes = {"allowlist": {"wallets": [], "contracts": [], "agents": [], "merchants": {}}}
WAIVER = {**UNLISTED, "tiers": {"allowlist_from": "12.500001"}}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"destination": {"agent": STRANGER}},
        merchant("other", "books"),
        {**merchant("other", "books"), "kind": "bet"},
    ],
)
def test_below_allowlist_from_the_destination_does_not_matter(asked: Changes) -> None:
    assert judged(asked, WAIVER, {}) == Approved()
    exact = {**UNLISTED, "tiers": {"allowlist_from": "12.5"}}
    assert broken(judged(asked, exact, {})) == {"destination_not_allowlisted"}
    assert "destination_not_allowlisted" in broken(judged(asked, WAIVER, {"usd": None}))


@pytest.mark.parametrize("kind", ["swap", "contract_call", "escrow_create", "escrow_release", "bet"])
def test_what_lies_beyond_the_amount_is_never_waived(kind: str) -> None:
    contract = kind == "contract_call"
    expected = {"selector_not_allowlisted" if contract else "destination_not_allowlisted"}
    assert broken(judged({"kind": kind}, WAIVER, {})) == expected


@pytest.mark.parametrize(
    "looking",
    [
        {"blocked_categories": ["gambling"]},
        {"allowlist": {"merchants": {}, "categories": ["books"]}},
        {"allowlist": {"merchants": {}, "category_sets": ["retail"]}},
        {"limits": {"categories": {"gambling": "0"}}},
    ],
)
def test_a_strange_merchants_word_for_its_category_counts_for_nothing(looking: Changes) -> None:
    assert broken(judged(merchant("other", "books"), {**WAIVER, **looking}, {})) == {"destination_not_allowlisted"}
    assert judged({}, {**WAIVER, **looking}, {}) == Approved()


def test_a_known_merchants_category_holds_wherever_its_listing_does() -> None:
    asked = merchant("bookshop", "cloud")
    waived = {"tiers": {"allowlist_from": "1000"}}
    assert judged(asked, waived, {}) == Approved()
    assert broken(judged(asked, {**waived, "blocked_categories": ["books"]}, {})) == {"category_mismatch"}


def test_a_listed_merchants_category_is_not_hidden_by_another_name() -> None:
    assert broken(judged(merchant("bookshop", "cloud"), {"blocked_categories": ["books"]}, {})) == {"category_mismatch"}


@pytest.mark.parametrize(
    ("kind", "limit", "full_until", "free_from"),
    [
        ("d", "daily", "2026-11-21T23:59:59.999999Z", "2026-11-22T00:00:00Z"),
        ("d", "daily", "2026-12-31T23:59:59.999999Z", "2027-01-01T00:00:00Z"),
        ("d", "daily", "2028-02-28T23:59:59.999999Z", "2028-02-29T00:00:00Z"),
        ("w", "weekly", "2027-01-03T23:59:59.999999Z", "2027-01-04T00:00:00Z"),
        ("w", "weekly", "2026-12-27T23:59:59.999999Z", "2026-12-28T00:00:00Z"),
        ("m", "monthly", "2026-12-31T23:59:59.999999Z", "2027-01-01T00:00:00Z"),
        ("m", "monthly", "2028-02-29T23:59:59.999999Z", "2028-03-01T00:00:00Z"),
    ],
)
def test_a_full_window_ends_with_its_period(kind: str, limit: str, full_until: str, free_from: str) -> None:
    last, first = times.parse_rfc3339(full_until), times.parse_rfc3339(free_from)
    policy = {"limits": {"daily": "50000", limit: "100"}}
    room, full = 87_500_000, 87_500_001
    spent = {windows.name(kind, last): full}
    assert broken(judged({}, policy, {"now": last, "spent": spent})) == {f"{limit}_limit"}
    assert judged({}, policy, {"now": last, "spent": {windows.name(kind, last): room}}) == Approved()
    assert judged({}, policy, {"now": first, "spent": spent}) == Approved()


def test_an_iso_week_lasts_over_new_year() -> None:
    before, after = times.parse_rfc3339("2026-12-31T23:59:59Z"), times.parse_rfc3339("2027-01-01T00:00:00Z")
    spent = {windows.name("w", before): 100 * DOLLAR}
    assert broken(judged({}, {"limits": {"weekly": "100"}}, {"now": after, "spent": spent})) == {"weekly_limit"}


def test_the_count_of_an_hour_starts_again_with_the_next() -> None:
    last = times.parse_rfc3339("2026-11-21T23:59:59.999999Z")
    policy, spent = {"limits": {"hourly_count": 1}}, {"h2026112123": 1}
    assert broken(judged({}, policy, {"now": last, "spent": spent})) == {"hourly_count_limit"}
    assert judged({}, policy, {"now": last + 1, "spent": spent}) == Approved()


@pytest.mark.parametrize(
    ("limits", "layer", "reference"),
    [
        ({"tokens": {"USDC": "100"}}, "t", "USDC"),
        ({"merchants": {"bookshop": "100"}}, "m", "bookshop"),
        ({"categories": {"books": "100"}}, "c", "books"),
    ],
)
def test_a_parts_limit_is_of_the_day_and_of_that_part(limits: Changes, layer: str, reference: str) -> None:
    rule = {"t": "token_limit", "m": "merchant_limit", "c": "category_limit"}[layer]
    window = windows.part(NOW, layer, reference)
    full = {"spent": {window: 87_500_001}}
    asked = {"kind": "purchase"}
    assert broken(judged(asked, {"limits": limits}, full)) == {rule}
    assert judged(asked, {"limits": limits}, {"spent": {window: 87_500_000}}) == Approved()
    assert judged(asked, {"limits": limits}, {**full, "now": NOW + times.DAY}) == Approved()
    assert judged(asked, {"limits": limits}, {"spent": {windows.part(NOW, layer, "another"): 10**15}}) == Approved()


@pytest.mark.parametrize(("usd", "expected"), [(101, 0), (200, 0), (201, 2), (1000, 2), (1001, 4), (10**6, 4)])
def test_severity_grows_with_the_distance(usd: int, expected: int) -> None:
    limits = {"per_transaction": "0.0001"}
    (verdict,) = (v for v in rules.broken(builders.policy(limits=limits), builders.case(usd=usd)))
    assert severity(*verdict, builders.case(usd=usd)) == 3 + expected


def test_nothing_is_further_than_from_a_limit_of_nothing() -> None:
    decision = judged({}, {"limits": {"per_transaction": "0"}}, {"usd": 1})
    assert decision == Denied((Violation("per_transaction_limit", 7),))


@pytest.mark.parametrize(
    ("usd", "expected"), [(None, 5), (NOTABLE - 1, 5), (NOTABLE, 6), (LARGE - 1, 6), (LARGE, 7), (10**18, 7)]
)
def test_severity_grows_with_the_amount(usd: int | None, expected: int) -> None:
    assert severity("destination_not_allowlisted", 1, builders.case(usd=usd)) == expected


@pytest.mark.parametrize(
    ("denials", "expected"), [(0, 5), (FEW - 1, 5), (FEW, 6), (MANY - 1, 6), (MANY, 7), (10**6, 7)]
)
def test_severity_grows_with_the_denials_of_this_hour(denials: int, expected: int) -> None:
    seen = builders.case(spent={"x2026112106": denials, "x2026112105": 1000})
    assert severity("destination_not_allowlisted", 1, seen) == expected


def test_severity_ends_at_ten() -> None:
    seen = builders.case(usd=LARGE, spent={"x2026112106": MANY})
    assert severity("category_blocked", 100, seen) == 10


def test_a_violation_explains_itself_without_the_limit() -> None:
    for rule in RULES:
        assert not any(character.isdigit() for character in Violation(rule, 1).detail)
