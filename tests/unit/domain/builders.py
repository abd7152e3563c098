"""Valid objects of the domain, for tests that break one thing each."""

import json
from typing import Any

from portcullis.domain.account import Account, Reservation
from portcullis.domain.decisions import Violation
from portcullis.domain.policy import Policy, compile_text
from portcullis.domain.policy_document import parse_document
from portcullis.domain.rate import Rate
from portcullis.domain.record import CLAIM_LIFETIME, Record
from portcullis.domain.rules import Case
from portcullis.domain.times import HOUR
from portcullis.domain.transaction import Transaction, parse_transaction
from portcullis.domain.verification import KeyRecord
from portcullis.domain.windows import Spend
from portcullis.protocol import keys

AGENT = "ag_" + "a" * 22
TXID = "tx_" + "t" * 22
KEY_ID = keys.new_key_id("test", "0", bytes(range(20)))
KEY_NAME = f"{keys.parse_key_id(KEY_ID).body}#1"
WALLET = "0x52908400098527886e0f7030069857d2e4169ee7"
CONTRACT = "0x" + "c" * 40
MERCHANT = {"merchant": {"id": "bookshop", "category": "books"}}
RATE = Rate(600, 100)
NOW = 1_795_242_660_000_000
"""2026-11-21T06:31:00Z in microseconds."""

KINDS: dict[str, dict[str, Any]] = {
    "transfer": {},
    "swap": {"token_out": "ETH", "min_out": "0.5"},
    "contract_call": {"call": {"selector": "0xa9059cbb", "data_sha256": "0" * 64}},
    "escrow_create": {"escrow_id": "escrow-1"},
    "escrow_release": {"escrow_id": "escrow-1"},
    "bet": {},
    "purchase": {},
}


def body(kind: str = "transfer", **changes: Any) -> dict[str, Any]:
    """The body of a valid request, with ``changes``."""
    fields = {"kind": kind, "amount": "12.5", "token": "USDC", "chain": "base", "destination": {"wallet": WALLET}}
    return {**fields, **KINDS[kind], **changes}


def transaction(kind: str = "transfer", **changes: Any) -> Transaction:
    """The parsed form of body()."""
    return parse_transaction(json.dumps(body(kind, **changes)))


DESTINATIONS: dict[str, dict[str, Any]] = {
    "transfer": {"wallet": WALLET},
    "swap": {"contract": CONTRACT},
    "contract_call": {"contract": CONTRACT},
    "escrow_create": {"agent": AGENT},
    "escrow_release": {"agent": AGENT},
    "bet": {"contract": CONTRACT},
    "purchase": MERCHANT,
}


def admitted(kind: str, **changes: Any) -> Transaction:
    """A transaction of this kind to where policy() admits it."""
    return transaction(kind, **{"destination": DESTINATIONS[kind], **changes})


def document(**changes: Any) -> dict[str, Any]:
    """A policy that admits each kind to one destination. Changes to its parts are merged into them."""
    parts: dict[str, Any] = {
        "allowlist": {
            "wallets": [f"base:{WALLET}"],
            "contracts": [f"base:{CONTRACT}", f"base:{CONTRACT}#0xa9059cbb"],
            "agents": [AGENT],
            "merchants": {"bookshop": "books"},
            "kinds": list(KINDS),
        },
        "limits": {"per_transaction": "20000", "daily": "50000"},
    }
    merged = {name: {**parts.get(name, {}), **part} for name, part in changes.items() if isinstance(part, dict)}
    return {**parts, **changes, **merged}


def policy(**changes: Any) -> Policy:
    """The compiled form of document()."""
    return compile_text(parse_document(document(**changes)).text())


def case(**changes: Any) -> Case:
    """The transfer of body(), worth 12.50 USD."""
    return Case(**{"transaction": transaction(), "usd": 12_500_000, "now": NOW, **changes})


def reservation(**changes: Any) -> Reservation:
    """What a transaction asks of account(), with 10 micro-dollars of a day's 100."""
    values: dict[str, Any] = {
        "key_version": KEY_NAME,
        "epoch": 1,
        "policy_version": 1,
        "rate": Rate(60, 1),
        "arrived": NOW,
        "now": NOW,
        "spends": (Spend("daily_limit", "d20261121", 10, 100),),
    }
    return Reservation(**{**values, **changes})


def record(**changes: Any) -> Record:
    """An approved transfer of 12.50 USDC."""
    parsed = transaction()
    values: dict[str, Any] = {
        "id": TXID,
        "agent": AGENT,
        "key_id": KEY_ID,
        "source_ip": "203.0.113.7",
        "status": "approved",
        "rev": 1,
        "content": parsed.content,
        "content_sha256": parsed.sha256,
        "usd": 12_500_000,
        "epoch": 1,
        "policy_version": 1,
        "policy_sha256": bytes(range(32)),
        "windows": ("d20261121",),
        "approval_by": (),
        "reasons": (),
        "expires_at": NOW + CLAIM_LIFETIME,
        "violations": (),
        "created_at": NOW,
    }
    return Record(**{**values, **changes})


def held(**changes: Any) -> Record:
    """The record of a held transaction."""
    return record(
        **{"status": "pending_approval", "approval_by": ("human",), "reasons": ("amount",), "expires_at": NOW + HOUR}
        | changes
    )


def denied(**changes: Any) -> Record:
    """The record of a denied transaction."""
    violations = (Violation("destination_not_allowlisted", 5), Violation("per_transaction_limit", 7))
    return record(**{"status": "denied", "windows": (), "expires_at": None, "violations": violations} | changes)


def account(**changes: Any) -> Account:
    """An active account with one live key."""
    values: dict[str, Any] = {
        "agent": AGENT,
        "name": "payer",
        "state": "active",
        "epoch": 1,
        "rev": 2,
        "policy_version": 1,
        "policy_sha256": bytes(range(32)),
        "live_keys": frozenset({KEY_NAME}),
        "created_at": NOW,
    }
    return Account(**{**values, **changes})


def key_record(**changes: Any) -> KeyRecord:
    """An active key without ranges or end."""
    values: dict[str, Any] = {
        "key_id": KEY_ID,
        "agent": AGENT,
        "state": "active",
        "version": 1,
        "scopes": ("transactions:create", "transactions:read"),
        "ip_ranges": (),
        "created_at": NOW,
    }
    return KeyRecord(**{**values, **changes})
