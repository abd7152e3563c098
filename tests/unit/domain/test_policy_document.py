"""The policy as it is written: defaults, bounds, one canonical text, and what it compiles to."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain import trust
from portcullis.domain.policy import Duplicates, Policy, compile_text, text_sha256
from portcullis.domain.policy_document import MAX_ENTRIES, MAX_PART_LIMITS, PLAIN_PAYMENTS, parse_document
from portcullis.domain.rate import Rate
from portcullis.domain.strict_json import MalformedInput
from tests.unit.domain import builders
from tests.unit.domain.policy_documents import DOCUMENTS

DOLLAR = 1_000_000
REFERENCE = f"base:{builders.WALLET}"
OTHER = "base:0x" + "1" * 40
AGENT = builders.AGENT


def compiled(document: dict[str, Any]) -> Policy:
    return compile_text(parse_document(document).text())


def test_a_document_without_anything_is_of_low_trust_and_allows_nobody() -> None:
    assert compiled({}) == Policy(
        trust="low", kinds=frozenset(PLAIN_PAYMENTS), wallets=frozenset(), contracts=frozenset(), agents=frozenset(),
        merchants={}, tokens=None, categories=None, blocked_categories=frozenset(), per_transaction=50 * DOLLAR,
        daily=100 * DOLLAR, weekly=None, monthly=None, hourly_count=None, parts={}, allowlist_from=0,
        risk_from=1000 * DOLLAR, human_above=10_000 * DOLLAR, humans=1, approval_lifetime=3600 * 1_000_000,
        duplicates=None, executors=frozenset(), risk_agents=frozenset(), rate=Rate(600, 100), call_rate=Rate(600, 100),
    )  # fmt: skip


def test_a_full_document_compiles_to_micro_dollars_and_microseconds() -> None:
    document = {
        "trust": "high",
        "allowlist": {
            "wallets": [REFERENCE], "contracts": [OTHER, f"{OTHER}#0xa9059cbb"], "agents": [AGENT],
            "merchants": {"shop": "books"}, "tokens": ["USDC"], "categories": ["books"], "category_sets": ["travel"],
            "kinds": ["swap"],
        },
        "blocked_categories": ["gambling"],
        "limits": {
            "per_transaction": "1", "daily": "2", "weekly": "3", "monthly": "4", "hourly_count": 5,
            "tokens": {"ETH": "6"}, "merchants": {"shop": "7"}, "categories": {"books": "8"},
        },
        "tiers": {
            "allowlist_from": "9", "risk_from": "10", "human_above": "11", "humans": 2, "approval_seconds": 60,
        },
        "duplicates": {"within_seconds": 30, "action": "deny"},
        "executors": [AGENT], "risk_agents": [AGENT],
        "rate": {"per_minute": 60, "burst": 1}, "call_rate": {"per_minute": 30, "burst": 2},
    }  # fmt: skip
    assert compiled(document) == Policy(
        trust="high", kinds=frozenset({"swap"}), wallets=frozenset({REFERENCE}),
        contracts=frozenset({OTHER, f"{OTHER}#0xa9059cbb"}), agents=frozenset({AGENT}), merchants={"shop": "books"},
        tokens=frozenset({"USDC"}), categories=trust.CATEGORY_SETS["travel"] | {"books"},
        blocked_categories=frozenset({"gambling"}), per_transaction=DOLLAR, daily=2 * DOLLAR, weekly=3 * DOLLAR,
        monthly=4 * DOLLAR, hourly_count=5,
        parts={"t:ETH": 6 * DOLLAR, "m:shop": 7 * DOLLAR, "c:books": 8 * DOLLAR}, allowlist_from=9 * DOLLAR,
        risk_from=10 * DOLLAR, human_above=11 * DOLLAR, humans=2, approval_lifetime=60_000_000,
        duplicates=Duplicates(30_000_000, deny=True), executors=frozenset({AGENT}), risk_agents=frozenset({AGENT}),
        rate=Rate(60, 1), call_rate=Rate(30, 2),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("allowlist", "allowed"),
    [({}, None), ({"categories": []}, set()), ({"category_sets": []}, set()), ({"categories": ["x"]}, {"x"})]
    + [({"category_sets": [name]}, set(members)) for name, members in trust.CATEGORY_SETS.items()],
)
def test_categories_are_narrowed_by_lists_and_sets(allowlist: dict[str, Any], allowed: set[str] | None) -> None:
    assert compiled({"allowlist": allowlist}).categories == allowed


@pytest.mark.parametrize("level", trust.LIMITS)
@pytest.mark.parametrize("limits", [{}, {"limits": None}])
def test_a_level_of_trust_brings_its_limits(level: str, limits: dict[str, Any]) -> None:
    written = json.loads(parse_document({"trust": level, **limits}).text())["limits"]
    assert written.items() >= trust.LIMITS[level].items()


@pytest.mark.parametrize("level", trust.LIMITS)
@pytest.mark.parametrize("name", ["per_transaction", "daily"])
def test_limits_of_ones_own_stay_within_the_level(level: str, name: str) -> None:
    limits = trust.LIMITS[level]
    assert compiled({"trust": level, "limits": {**limits, name: "1"}}).trust == level
    above = {**limits, name: limits[name].replace(".00", ".01")}
    with pytest.raises(MalformedInput, match=f"limits.{name} is at most .* at {level} trust"):
        parse_document({"trust": level, "limits": above})


def test_limits_without_a_level_are_the_operators_own() -> None:
    assert compiled({"limits": {"per_transaction": "51", "daily": "1000000"}}).trust == "high"


def test_the_text_says_one_thing_in_one_way() -> None:
    document = builders.document(allowlist={"wallets": [REFERENCE, OTHER], "tokens": ["ETH", "USDC"]})
    reworded = json.loads(json.dumps(document))
    reworded["limits"]["daily"] = "50000.000"
    reworded["allowlist"]["wallets"] = ["base:0x" + builders.WALLET[2:].upper(), OTHER, REFERENCE]
    reworded["allowlist"]["tokens"] = ["USDC", "ETH"]

    text = parse_document(document).text()

    assert parse_document(reworded).text() == text
    assert text_sha256(parse_document({**document, "blocked_categories": ["x"]}).text()) != text_sha256(text)


@given(DOCUMENTS)
def test_the_text_is_a_fixed_point_and_compiles(document: dict[str, Any]) -> None:
    text = parse_document(document).text()
    assert parse_document(json.loads(text)).text() == text
    assert compile_text(text).daily >= 0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["kinds", "daily", "humans"]), inner),
    max_leaves=4,
)
FIELDS = ["trust", "allowlist", "limits", "tiers", "duplicates", "rate", "kinds"]


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_whatever_is_written_is_a_policy_or_refused_as_none(value: Any) -> None:
    try:
        document = parse_document(value)
    except MalformedInput:
        return
    assert compile_text(document.text()).trust in trust.LEVELS


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("trust", "none", "trust: Input should be 'low', 'medium' or 'high'"),
        ("trust", [], "trust: Input should be 'low', 'medium' or 'high'"),
        ("allowlist", None, "allowlist: "),
        ("allowlist.wallets", [builders.WALLET], r"allowlist.wallets.0: expected <chain>:<address>"),
        ("allowlist.wallets", ["dogecoin:x"], r"allowlist.wallets.0: expected one of the chains"),
        ("allowlist.wallets", ["base:0x12"], r"allowlist.wallets.0: expected 0x and 40"),
        ("allowlist.wallets", [f"{REFERENCE}#0xa9059cbb"], r"allowlist.wallets.0: expected 0x and 40"),
        ("allowlist.wallets", [1], r"allowlist.wallets.0: Input should be a valid string"),
        ("allowlist.contracts", [f"{REFERENCE}#"], r"allowlist.contracts.0: expected <chain>:<address>, or with"),
        ("allowlist.contracts", [f"{REFERENCE}#0xA9059CBB"], r"allowlist.contracts.0: expected <chain>:<address>, or"),
        ("allowlist.contracts", [f"{REFERENCE}#0xa9059cbb#"], r"allowlist.contracts.0: expected <chain>:<address>"),
        ("allowlist.agents", ["payer"], r"allowlist.agents.0: String should match pattern"),
        ("allowlist.merchants", {"shop": ""}, r"allowlist.merchants.shop: String should match pattern"),
        ("allowlist.merchants", ["shop"], r"allowlist.merchants: Input should be a valid dictionary"),
        ("allowlist.tokens", ["usdc"], r"allowlist.tokens.0: String should match pattern"),
        ("allowlist.category_sets", ["all"], r"allowlist.category_sets.0: unknown set; known are compute, data"),
        ("allowlist.kinds", ["gift"], r"allowlist.kinds.0: Input should be 'transfer'"),
        ("blocked_categories", "gambling", "blocked_categories: Input should be a valid list"),
        ("limits.per_transaction", 500, r"limits.per_transaction: Input should be a valid string"),
        ("limits.per_transaction", "-1", r"limits.per_transaction: expected a decimal string"),
        ("limits.daily", "0.0000001", r"limits.daily: expected at most six decimal places"),
        ("limits.daily", "1000000000.01", r"limits.daily: expected at most 1000000000 dollars"),
        ("limits.hourly_count", 0, "limits.hourly_count: Input should be greater than or equal to 1"),
        ("limits.hourly_count", 1_000_001, "limits.hourly_count: Input should be less than or equal to 1000000"),
        ("limits.tokens", {"usdc": "1"}, r"limits.tokens.usdc.*: String should match pattern"),
        ("limits.yearly", "1", r"limits.yearly: unknown field"),
        ("tiers.humans", 0, "tiers.humans: Input should be greater than or equal to 1"),
        ("tiers.humans", 3, "tiers.humans: Input should be less than or equal to 2"),
        ("tiers.approval_seconds", 59, "tiers.approval_seconds: Input should be greater than or equal to 60"),
        ("tiers.approval_seconds", 86_401, "tiers.approval_seconds: Input should be less than or equal to 86400"),
        ("duplicates.within_seconds", 0, "duplicates.within_seconds: Input should be greater than or equal to 1"),
        ("duplicates.within_seconds", 86_401, "duplicates.within_seconds: Input should be less than or equal to 86400"),
        ("duplicates.action", "allow", "duplicates.action: Input should be 'hold' or 'deny'"),
        ("executors", [AGENT] * 17, "executors: List should have at most 16 items"),
        ("risk_agents", ["risk"], "risk_agents.0: String should match pattern"),
        ("rate.per_minute", 0, "rate.per_minute: Input should be greater than or equal to 1"),
        ("rate.per_minute", 60_001, "rate.per_minute: Input should be less than or equal to 60000"),
        ("rate.burst", 10_001, "rate.burst: Input should be less than or equal to 10000"),
        ("rate.burst", True, "rate.burst: Input should be a valid integer"),
        ("hold_above", "100", "hold_above: unknown field"),
    ],
)
def test_a_wrong_field_is_named(path: str, value: Any, reason: str) -> None:
    document = builders.document(tiers={}, duplicates={}, rate={})
    *parents, name = path.split(".")
    place = document
    for parent in parents:
        place = place[parent]
    place[name] = value

    with pytest.raises(MalformedInput, match=f"^{reason}"):
        parse_document(document)


@pytest.mark.parametrize("name", ["wallets", "contracts", "agents", "merchants", "tokens", "categories", "blocked"])
def test_each_list_has_at_most_10_000_entries(name: str) -> None:
    references = [f"base:0x{number:040x}" for number in range(MAX_ENTRIES + 1)]
    entries: dict[str, Any] = {
        "wallets": references,
        "contracts": [f"{reference}#0xa9059cbb" for reference in references],
        "agents": [f"ag_{number:022d}" for number in range(MAX_ENTRIES + 1)],
        "merchants": {f"m{number}": "books" for number in range(MAX_ENTRIES + 1)},
        "tokens": [f"T{number}" for number in range(MAX_ENTRIES + 1)],
    }
    names = entries.get(name, [f"c{number}" for number in range(MAX_ENTRIES + 1)])
    fewer = dict(list(names.items())[:-1]) if isinstance(names, dict) else names[:-1]

    def holding(listed: Any) -> dict[str, Any]:
        return {"blocked_categories": listed} if name == "blocked" else {"allowlist": {name: listed}}

    policy = compiled(holding(fewer))
    assert len(policy.blocked_categories if name == "blocked" else getattr(policy, name)) == MAX_ENTRIES
    with pytest.raises(MalformedInput, match="at most 10000 items"):
        parse_document(holding(names))


def test_limits_of_parts_are_few_together() -> None:
    limits = {"per_transaction": "1", "daily": "1", "tokens": {f"T{number}": "1" for number in range(MAX_PART_LIMITS)}}
    assert len(compiled({"limits": limits}).parts) == MAX_PART_LIMITS
    with pytest.raises(MalformedInput, match="at most 8 limits of tokens, merchants and categories together"):
        parse_document({"limits": {**limits, "merchants": {"shop": "1"}}})


@pytest.mark.parametrize("missing", ["per_transaction", "daily"])
def test_limits_name_a_transactions_and_a_days(missing: str) -> None:
    limits = {name: "1" for name in ("per_transaction", "daily") if name != missing}
    with pytest.raises(MalformedInput, match=f"^limits.{missing}: Field required"):
        parse_document({"limits": limits})


def test_high_trust_has_no_limits_of_its_own() -> None:
    with pytest.raises(MalformedInput, match="limits are required at high trust"):
        parse_document({"trust": "high"})


@pytest.mark.parametrize(("level", "above"), [("low", "medium"), ("medium", "high"), ("high", None)])
def test_the_next_level_of_trust(level: str, above: str | None) -> None:
    assert trust.next_level(level) == above
