"""Hypothesis' policy documents and cases, over names so few that documents and transactions meet."""

from typing import Any

from hypothesis import strategies as st

from portcullis.domain import windows
from portcullis.domain.rules import Case
from portcullis.domain.trust import CATEGORY_SETS
from tests.unit.domain import builders

DOLLAR = 1_000_000
REFERENCES = [f"base:{builders.WALLET}", f"base:{builders.CONTRACT}", "base:0x" + "1" * 40]
CONTRACTS = [*REFERENCES, f"base:{builders.CONTRACT}#0xa9059cbb"]
AGENTS = [builders.AGENT, "ag_" + "b" * 22]
MERCHANTS, CATEGORIES, TOKENS = ["bookshop", "casino"], ["books", "gambling", "cloud"], ["USDC", "ETH"]
AMOUNTS = st.sampled_from(["0", "0.000001", "99.99", "100", "1000", "10000", "50000", "1000000000"])
USD = st.sampled_from([1, 99_990_000, 100 * DOLLAR, 100 * DOLLAR + 1, 1000 * DOLLAR, 10_000 * DOLLAR + 1, 10**18])


def subset(values: list[str]) -> st.SearchStrategy[list[str]]:
    """Some of them."""
    return st.lists(st.sampled_from(values), unique=True)


ALLOWLISTS = st.fixed_dictionaries(
    {},
    optional={
        "wallets": subset(REFERENCES),
        "contracts": subset(CONTRACTS),
        "agents": subset(AGENTS),
        "merchants": st.dictionaries(st.sampled_from(MERCHANTS), st.sampled_from(CATEGORIES)),
        "tokens": st.none() | subset(TOKENS),
        "categories": st.none() | subset(CATEGORIES),
        "category_sets": st.none() | subset(sorted(CATEGORY_SETS)),
        "kinds": subset(sorted(builders.KINDS)),
    },
)
LIMITS = st.fixed_dictionaries(
    {"per_transaction": AMOUNTS, "daily": AMOUNTS},
    optional={
        "weekly": AMOUNTS,
        "monthly": AMOUNTS,
        "hourly_count": st.integers(1, 5),
        "tokens": st.dictionaries(st.sampled_from(TOKENS), AMOUNTS),
        "merchants": st.dictionaries(st.sampled_from(MERCHANTS), AMOUNTS),
        "categories": st.dictionaries(st.sampled_from(CATEGORIES), AMOUNTS),
    },
)
TIERS = st.fixed_dictionaries(
    {},
    optional={
        "allowlist_from": AMOUNTS,
        "risk_from": AMOUNTS,
        "human_above": AMOUNTS,
        "humans": st.integers(1, 2),
        "approval_seconds": st.integers(60, 86_400),
    },
)
DUPLICATES = st.fixed_dictionaries({"action": st.sampled_from(["hold", "deny"])})
DOCUMENTS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"allowlist": ALLOWLISTS, "limits": LIMITS, "tiers": TIERS},
    optional={"blocked_categories": subset(CATEGORIES), "duplicates": DUPLICATES},
)
"""Every transaction and most documents are usual, for a denial must have a chance to be about one thing."""

DESTINATIONS = st.one_of(
    st.builds(dict, wallet=st.just(builders.WALLET)),
    st.builds(dict, contract=st.just(builders.CONTRACT)),
    st.builds(dict, agent=st.sampled_from(AGENTS)),
    st.builds(dict, merchant=st.builds(dict, id=st.sampled_from(MERCHANTS), category=st.sampled_from(CATEGORIES))),
)
_CHANGES = st.fixed_dictionaries(
    {"destination": DESTINATIONS, "token": st.sampled_from(TOKENS)},
    optional={"instructed_by": st.sampled_from(AGENTS)},
)
TRANSACTIONS = st.builds(
    lambda kind, changes: builders.transaction(kind, **changes), st.sampled_from(sorted(builders.KINDS)), _CHANGES
) | st.builds(builders.admitted, st.sampled_from(sorted(builders.KINDS)))
WINDOWS = [windows.name(kind, builders.NOW) for kind in "dwmhx"]
CASES = st.builds(
    Case,
    TRANSACTIONS,
    st.none() | USD,
    st.just(builders.NOW),
    stale=st.booleans(),
    spent=st.dictionaries(st.sampled_from(WINDOWS), st.sampled_from([0, 1, 3, 10, 900 * DOLLAR, 50_000 * DOLLAR])),
    sent_before=st.booleans(),
)
