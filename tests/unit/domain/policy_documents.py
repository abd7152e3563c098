"""Hypothesis' policy documents and cases, over names so few that documents and transactions meet."""

from typing import Any

from hypothesis import strategies as st

from portcullis.domain import windows
from portcullis.domain.policy_document import PLAIN_PAYMENTS
from portcullis.domain.rules import Case
from portcullis.domain.transaction import Transaction
from portcullis.domain.trust import CATEGORY_SETS
from tests.unit.domain import builders

DOLLAR = 1_000_000
REFERENCES = [f"base:{builders.WALLET}", f"base:{builders.CONTRACT}", "base:0x" + "1" * 40]
CONTRACTS = [*REFERENCES, f"base:{builders.CONTRACT}#0xa9059cbb"]
AGENTS = [builders.AGENT, "ag_" + "b" * 22]
MERCHANTS, CATEGORIES, TOKENS = ["bookshop", "casino"], ["books", "gambling", "cloud"], ["USDC", "ETH"]
AMOUNTS = st.sampled_from(["1000000000", "50000", "10000", "1000", "100", "99.99", "0.000001", "0"])
USD = st.sampled_from([None, 1, 99_990_000, 100 * DOLLAR, 100 * DOLLAR + 1, 1000 * DOLLAR, 10_000 * DOLLAR + 1, 10**18])


def subset(values: list[str]) -> st.SearchStrategy[list[str]]:
    """Some of them."""
    return st.lists(st.sampled_from(values), unique=True)


UNSAID = st.none()
ALLOWLISTS = st.fixed_dictionaries(
    {},
    optional={
        "wallets": subset(REFERENCES),
        "contracts": subset(CONTRACTS),
        "agents": subset(AGENTS),
        "merchants": st.dictionaries(st.sampled_from(MERCHANTS), st.sampled_from(CATEGORIES)),
        "tokens": UNSAID | subset(TOKENS),
        "categories": UNSAID | subset(CATEGORIES),
        "category_sets": UNSAID | subset(sorted(CATEGORY_SETS)),
        "kinds": subset(sorted(builders.KINDS)),
    },
)
PLENTY = st.just("1000000000")
LIMITS = st.fixed_dictionaries(
    {"per_transaction": AMOUNTS | PLENTY, "daily": AMOUNTS | PLENTY},
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
DESTINATIONS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(dict, wallet=st.just(builders.WALLET)),
    st.builds(dict, contract=st.just(builders.CONTRACT)),
    st.builds(dict, agent=st.sampled_from(AGENTS)),
    st.builds(dict, merchant=st.builds(dict, id=st.sampled_from(MERCHANTS), category=st.sampled_from(CATEGORIES))),
)
KINDS = st.sampled_from(sorted(builders.KINDS))
PLAIN = st.sampled_from(sorted(PLAIN_PAYMENTS))
CHANGES = st.fixed_dictionaries({"token": st.sampled_from(TOKENS)}, optional={"instructed_by": st.sampled_from(AGENTS)})


def sent(kind: str, destination: dict[str, Any] | None, changes: dict[str, Any]) -> Transaction:
    """A transaction of this kind, to where it is admitted unless told otherwise."""
    return builders.admitted(kind, **changes, **({"destination": destination} if destination else {}))


TRANSACTIONS = (
    st.builds(sent, KINDS, st.none(), CHANGES)
    | st.builds(sent, PLAIN, DESTINATIONS, CHANGES)
    | st.builds(sent, KINDS, DESTINATIONS, CHANGES)
)
WINDOWS = [windows.name(kind, builders.NOW) for kind in "dwmhx"]
CASES = st.builds(
    Case,
    TRANSACTIONS,
    USD,
    st.just(builders.NOW),
    stale=st.booleans(),
    spent=st.just({})
    | st.dictionaries(st.sampled_from(WINDOWS), st.sampled_from([0, 1, 3, 10, 900 * DOLLAR, 50_000 * DOLLAR])),
    sent_before=st.booleans(),
)
