"""The policy: its document, and decisions that are exact at every boundary and never loosened by a restriction."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain.decisions import RULES, Approved, Denied, NeedsApproval, Violation
from portcullis.domain.policy import (
    MAX_ENTRIES,
    Policy,
    compile_text,
    decide,
    parse_document,
    text_sha256,
)
from portcullis.domain.rate import Rate
from portcullis.domain.transaction import Transaction
from portcullis.protocol.strict_json import MalformedInput
from tests.unit.domain import builders

DOLLAR = 1_000_000
LIMIT, DAILY, HOLD = 500 * DOLLAR, 1000 * DOLLAR, 100 * DOLLAR
REFERENCE = f"base:{builders.WALLET}"
OTHER = "base:0x" + "1" * 40

AMOUNTS = st.integers(0, 2000 * DOLLAR) | st.sampled_from([HOLD, HOLD + 1, LIMIT, LIMIT + 1, DAILY, DAILY + 1])
REFERENCES = st.sampled_from([REFERENCE, OTHER])
POLICIES = st.builds(
    Policy, st.frozensets(REFERENCES), AMOUNTS, AMOUNTS, AMOUNTS, st.just(Rate(600, 100)), st.just(Rate(60, 10))
)


@pytest.fixture
def document() -> dict[str, Any]:
    return {
        "allowlist": {"wallets": [REFERENCE]},
        "limits": {"per_transaction": "500", "daily": "1000"},
        "hold_above": "100",
        "rate": {"per_minute": 600, "burst": 100},
        "call_rate": {"per_minute": 60, "burst": 10},
    }


@pytest.fixture
def policy(document: dict[str, Any]) -> Policy:
    return compile_text(parse_document(document).text())


@pytest.fixture
def transfer() -> Transaction:
    return builders.transaction()


def paying(reference: str, layer: str = "wallet") -> Transaction:
    return replace(builders.transaction(), destination=(layer, reference))


def test_the_document_compiles_to_micro_dollars(policy: Policy) -> None:
    assert policy == Policy(frozenset({REFERENCE}), LIMIT, DAILY, HOLD, Rate(600, 100), Rate(60, 10))


def test_within_everything_is_approved(policy: Policy, transfer: Transaction) -> None:
    assert decide(policy, transfer, DOLLAR, 0) == Approved()


def test_the_hold_is_exact(policy: Policy, transfer: Transaction) -> None:
    assert decide(policy, transfer, HOLD, 0) == Approved()
    assert decide(policy, transfer, HOLD + 1, 0) == NeedsApproval("human")


def test_the_limit_of_one_transaction_is_exact(policy: Policy, transfer: Transaction) -> None:
    assert decide(policy, transfer, LIMIT, 0) == NeedsApproval("human")
    assert decide(policy, transfer, LIMIT + 1, 0) == Denied((Violation("per_transaction_limit", 3),))


def test_the_daily_limit_is_exact(policy: Policy, transfer: Transaction) -> None:
    assert decide(policy, transfer, DOLLAR, DAILY - DOLLAR) == Approved()
    assert decide(policy, transfer, DOLLAR, DAILY - DOLLAR + 1) == Denied((Violation("daily_limit", 3),))


@pytest.mark.parametrize("layer", ["wallet", "contract", "agent", "merchant"])
def test_a_destination_off_the_list_is_denied(policy: Policy, layer: str) -> None:
    assert decide(policy, paying(OTHER, layer), DOLLAR, 0) == Denied((Violation("destination_not_allowlisted", 5),))


@pytest.mark.parametrize("layer", ["contract", "agent", "merchant"])
def test_an_allowlisted_wallet_allows_nothing_of_another_layer(policy: Policy, layer: str) -> None:
    assert decide(policy, paying(REFERENCE, layer), DOLLAR, 0) == Denied((Violation("destination_not_allowlisted", 5),))


def test_the_same_wallet_on_another_chain_is_denied(policy: Policy) -> None:
    elsewhere = builders.transaction(chain="ethereum")
    assert decide(policy, elsewhere, DOLLAR, 0) == Denied((Violation("destination_not_allowlisted", 5),))


def test_another_spelling_of_the_wallet_is_the_same_wallet(policy: Policy) -> None:
    shouted = builders.transaction(destination={"wallet": "0x" + builders.WALLET[2:].upper()})
    assert decide(policy, shouted, DOLLAR, 0) == Approved()


def test_an_empty_allowlist_allows_nobody(policy: Policy, transfer: Transaction) -> None:
    empty = replace(policy, wallets=frozenset())
    assert isinstance(decide(empty, transfer, 1, 0), Denied)


def test_an_unpriced_token_is_denied(policy: Policy, transfer: Transaction) -> None:
    assert decide(policy, transfer, None, 0) == Denied((Violation("token_unpriced", 2),))


def test_a_denial_names_every_rule(policy: Policy) -> None:
    assert decide(policy, paying(OTHER), LIMIT * 10 + 1, 0) == Denied(
        (Violation("destination_not_allowlisted", 5), Violation("per_transaction_limit", 7))
    )
    assert decide(policy, paying(OTHER), None, 0) == Denied(
        (Violation("destination_not_allowlisted", 5), Violation("token_unpriced", 2))
    )


@pytest.mark.parametrize(
    ("usd", "severity"), [(LIMIT + 1, 3), (2 * LIMIT, 3), (2 * LIMIT + 1, 5), (10 * LIMIT, 5), (10 * LIMIT + 1, 7)]
)
def test_severity_grows_with_the_distance(policy: Policy, transfer: Transaction, usd: int, severity: int) -> None:
    assert decide(policy, transfer, usd, 0) == Denied((Violation("per_transaction_limit", severity),))


def test_a_violation_explains_itself_without_the_limit(policy: Policy, transfer: Transaction) -> None:
    for rule in RULES:
        assert not any(character.isdigit() for character in Violation(rule, 1).detail)


@given(POLICIES, REFERENCES, st.none() | AMOUNTS, AMOUNTS, st.data())
def test_a_restriction_never_loosens(
    policy: Policy, reference: str, usd: int | None, spent: int, data: st.DataObject
) -> None:
    stricter = Policy(
        data.draw(st.frozensets(st.sampled_from(sorted(policy.wallets)))) if policy.wallets else frozenset(),
        data.draw(st.integers(0, policy.per_transaction)),
        data.draw(st.integers(0, policy.daily)),
        data.draw(st.integers(0, policy.hold_above)),
        policy.rate,
        policy.call_rate,
    )
    strictness = (Approved, NeedsApproval, Denied)

    before = decide(policy, paying(reference), usd, spent)
    after = decide(stricter, paying(reference), usd, spent)

    assert strictness.index(type(after)) >= strictness.index(type(before))


@given(POLICIES, REFERENCES, AMOUNTS, AMOUNTS)
def test_an_approval_breaks_no_rule(policy: Policy, reference: str, usd: int, spent: int) -> None:
    decision = decide(policy, paying(reference), usd, spent)
    within = reference in policy.wallets and usd <= policy.per_transaction and spent + usd <= policy.daily

    assert isinstance(decision, Denied) != within
    assert isinstance(decision, Approved) == (within and usd <= policy.hold_above)


def test_the_text_is_canonical(document: dict[str, Any]) -> None:
    reworded = json.loads(json.dumps(document))
    reworded["limits"]["per_transaction"] = "500.000"
    reworded["allowlist"]["wallets"] = ["base:0x" + builders.WALLET[2:].upper(), OTHER, REFERENCE]
    document["allowlist"]["wallets"].append(OTHER)

    text = parse_document(document).text()

    assert parse_document(reworded).text() == text
    assert parse_document(json.loads(text)).text() == text
    assert text_sha256(text) == text_sha256(parse_document(reworded).text())


def test_the_rate_has_a_default(document: dict[str, Any]) -> None:
    with_rate = parse_document(document).text()
    del document["rate"]
    assert parse_document(document).text() == with_rate


def test_a_policy_stored_before_calls_had_a_rate_gives_them_the_default(document: dict[str, Any]) -> None:
    stored = json.loads(parse_document(document).text())
    del stored["call_rate"]
    assert compile_text(json.dumps(stored)).call_rate == Rate(600, 100)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("allowlist", None, "allowlist: "),
        ("allowlist.wallets", [builders.WALLET], r"allowlist.wallets.0: expected <chain>:<address>"),
        ("allowlist.wallets", ["dogecoin:x"], r"allowlist.wallets.0: expected one of the chains"),
        ("allowlist.wallets", ["base:0x12"], r"allowlist.wallets.0: expected 0x and 40"),
        ("allowlist.wallets", [1], r"allowlist.wallets.0: Input should be a valid string"),
        ("allowlist.contracts", [], r"allowlist.contracts: unknown field"),
        ("limits.per_transaction", 500, r"limits.per_transaction: Input should be a valid string"),
        ("limits.per_transaction", "-1", r"limits.per_transaction: expected a decimal string"),
        ("limits.daily", "0.0000001", r"limits.daily: expected at most six decimal places"),
        ("limits.daily", "1000000000.01", r"limits.daily: expected at most 1000000000 dollars"),
        ("limits.weekly", "1", r"limits.weekly: unknown field"),
        ("hold_above", None, "hold_above: Input should be a valid string"),
        ("rate.per_minute", 0, "rate.per_minute: Input should be greater than or equal to 1"),
        ("rate.per_minute", 60_001, "rate.per_minute: Input should be less than or equal to 60000"),
        ("rate.burst", 10_001, "rate.burst: Input should be less than or equal to 10000"),
        ("rate.burst", True, "rate.burst: Input should be a valid integer"),
        ("shadow", True, "shadow: unknown field"),
    ],
)
def test_a_wrong_field_is_named(document: dict[str, Any], path: str, value: Any, reason: str) -> None:
    *parents, name = path.split(".")
    place = document
    for parent in parents:
        place = place[parent]
    place[name] = value

    with pytest.raises(MalformedInput, match=f"^{reason}"):
        parse_document(document)


@pytest.mark.parametrize("path", ["allowlist", "limits", "hold_above"])
def test_nothing_but_the_rate_has_a_default(document: dict[str, Any], path: str) -> None:
    del document[path]
    with pytest.raises(MalformedInput, match=f"^{path}: Field required"):
        parse_document(document)


def test_an_allowlist_has_at_most_10_000_entries(document: dict[str, Any]) -> None:
    wallets = [f"base:0x{number:040x}" for number in range(MAX_ENTRIES + 1)]
    document["allowlist"]["wallets"] = wallets[:-1]
    assert len(compile_text(parse_document(document).text()).wallets) == MAX_ENTRIES

    document["allowlist"]["wallets"] = wallets
    with pytest.raises(MalformedInput, match="at most 10000 items"):
        parse_document(document)
