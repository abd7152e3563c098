"""Policies for tests that break one thing each, and documents that hypothesis makes up."""

from typing import Any

from hypothesis import strategies as st

from portcullis.domain.policy import Policy, compile_text
from portcullis.domain.policy_document import PolicyDocument, parse_document
from tests.unit.domain import builders

WALLET = f"base:{builders.WALLET}"
OTHER = "base:0x" + "1" * 40
CONTRACT = "base:0x" + "2" * 40
SELECTOR = "0xa9059cbb"
EXECUTOR, RISK_AGENT = "ag_" + "e" * 22, "ag_" + "r" * 22


def document(**changes: Any) -> dict[str, Any]:
    """A strict policy without a warning; ``changes`` replace members, ``allowlist`` and the like entry by entry."""
    whole: dict[str, Any] = {
        "allowlist": {"wallets": [WALLET], "tokens": ["USDC"]},
        "limits": {"per_transaction": "500.00", "daily": "1000.00", "weekly": "5000.00"},
        "tiers": {"risk_from": "100.00", "human_above": "400.00"},
        "duplicates": {"within_seconds": 300, "action": "hold"},
        "executors": [EXECUTOR],
        "risk_agents": [RISK_AGENT],
    }
    for name, value in changes.items():
        merges = isinstance(value, dict) and isinstance(whole.get(name), dict)
        whole[name] = {**whole[name], **value} if merges else value
    return {name: _without_none(value) for name, value in whole.items() if value is not None}


def parsed(**changes: Any) -> PolicyDocument:
    """The validated form of document()."""
    return parse_document(document(**changes))


def policy(**changes: Any) -> Policy:
    """The compiled form of document()."""
    return compile_text(parsed(**changes).text())


def _without_none(value: Any) -> Any:
    return {name: member for name, member in value.items() if member is not None} if isinstance(value, dict) else value


def _some(*members: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(members), unique=True)


_USD = st.sampled_from(["0.00", "1.00", "12.49", "12.50", "12.51", "50.00", "1000.00"])
_OPTIONAL_USD = st.none() | _USD
_MERCHANTS = st.dictionaries(st.sampled_from(["shop", "cafe"]), st.sampled_from(["books", "gpu"]))


def _present(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(members).map(_without_none)


PARTS: dict[str, st.SearchStrategy[Any]] = {
    "allowlist": _present(
        wallets=_some(WALLET, OTHER),
        contracts=_some(CONTRACT, f"{CONTRACT}#{SELECTOR}"),
        agents=_some(EXECUTOR, RISK_AGENT),
        merchants=_MERCHANTS,
        tokens=st.none() | _some("USDC", "ETH"),
        categories=st.none() | _some("books", "gpu"),
        category_sets=st.none() | _some("retail", "compute"),
        kinds=_some("transfer", "purchase", "swap", "contract_call", "escrow_release"),
    ),
    "blocked_categories": _some("books", "gpu"),
    "limits": _present(
        per_transaction=_USD,
        daily=_USD,
        weekly=_OPTIONAL_USD,
        monthly=_OPTIONAL_USD,
        hourly_count=st.none() | st.integers(1, 3),
        tokens=st.dictionaries(st.sampled_from(["USDC", "ETH"]), _USD),
        merchants=st.dictionaries(st.sampled_from(["shop", "cafe"]), _USD),
        categories=st.dictionaries(st.sampled_from(["books", "gpu"]), _USD),
    ),
    "tiers": _present(allowlist_from=_USD, risk_from=_USD, human_above=_USD, humans=st.integers(1, 2)),
    "duplicates": st.none() | _present(within_seconds=st.integers(1, 99), action=st.sampled_from(["hold", "deny"])),
}
"""What a document is made of, each part by itself."""
DOCUMENTS = _present(
    trust=st.just("high"),
    **PARTS,
    executors=_some(EXECUTOR, RISK_AGENT),
    risk_agents=_some(EXECUTOR, RISK_AGENT),
)
"""Documents of high trust over a small world, so that two of them often differ in one thing that matters."""

TRANSACTIONS = st.sampled_from(
    [
        builders.transaction(kind, destination=destination, token=token)
        for token in ("USDC", "ETH")
        for kind, destination in [
            ("transfer", {"wallet": builders.WALLET}),
            ("transfer", {"wallet": "0x" + "3" * 40}),
            ("purchase", {"merchant": {"id": "shop", "category": "books"}}),
            ("purchase", {"merchant": {"id": "shop", "category": "gpu"}}),
            ("purchase", {"merchant": {"id": "other", "category": "gpu"}}),
            ("swap", {"contract": "0x" + "2" * 40}),
            ("contract_call", {"contract": "0x" + "2" * 40}),
            ("escrow_release", {"agent": EXECUTOR}),
        ]
    ]
)
