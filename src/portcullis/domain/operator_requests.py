"""The bodies of the operator API, and the public forms of what it manages."""

import ipaddress
import re
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from portcullis.domain import money, times
from portcullis.domain.account import Account
from portcullis.domain.models import Reason, StrictModel, printable
from portcullis.domain.policy_document import PolicyDocument, RateLimit
from portcullis.domain.rate import Rate
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import public_keys
from portcullis.protocol.message_signatures import ED25519, HMAC_SHA256

TOKEN = re.compile(r"[A-Z0-9]{1,12}", re.ASCII)
PRICE_LIFETIME_SECONDS = 86_400
SECRET_RETRY_WINDOW = 600 * times.SECOND
"""How long the same Idempotency-Key shows a new key's secret again, to the caller whose first answer was lost."""
SCOPES = (
    "transactions:create",
    "transactions:read",
    "transactions:claim",
    "transactions:risk",
    "transactions:confirm",
)
DEFAULT_SCOPES = SCOPES[:2]
APART_FROM_CREATION = ("transactions:claim", "transactions:risk")
"""Whoever asks for a payment neither approves nor executes one."""


def _scope(text: str) -> str:
    if text not in SCOPES:
        raise ValueError(f"unknown scope; known are {', '.join(SCOPES)}")
    return text


def _apart(scopes: list[str]) -> list[str]:
    both = [scope for scope in APART_FROM_CREATION if scope in scopes]
    if both and "transactions:create" in scopes:
        raise ValueError(f"a key with transactions:create cannot have {both[0]}; issue it to an agent of its own")
    return scopes


def _network(text: str) -> str:
    try:
        if "%" in text:
            raise ValueError("a zone means nothing to another machine")
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("expected an address or a network such as 203.0.113.0/24, host bits zero") from None


def _public_key(text: str) -> str:
    return public_keys.encode_ed25519(public_keys.parse_ed25519(text))


def _price(text: str) -> str:
    return f"{money.parse_positive(text):f}"


def _instant(text: str) -> str:
    times.parse_rfc3339(text)
    return text


def _label(text: str) -> str:
    if len(text.encode()) > MAX_LABEL_BYTES:
        raise ValueError(f"at most {MAX_LABEL_BYTES} bytes of UTF-8")
    return printable(text)


MAX_LABEL_BYTES = 64
Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL_BYTES), AfterValidator(_label)]
Instant = Annotated[str, AfterValidator(_instant), Field(json_schema_extra={"format": "date-time"})]
Price = Annotated[str, AfterValidator(_price), Field(json_schema_extra={**money.POSITIVE_SCHEMA})]
Scope = Annotated[str, AfterValidator(_scope), Field(json_schema_extra={"enum": [*SCOPES]})]
Network = Annotated[str, AfterValidator(_network), Field(json_schema_extra={"examples": ["203.0.113.0/24"]})]
KeyClass = Literal["development", "staging", "production", "high_value"]
PublicKey = Annotated[str, Field(max_length=public_keys.MAX_TEXT), AfterValidator(_public_key)]


class NewAgent(StrictModel):
    """``POST /v1/agents``; without a policy it is one of low trust, which allows nobody."""

    name: Label
    policy: PolicyDocument = Field(default_factory=PolicyDocument)


class NewKey(StrictModel):
    """``POST /v1/agents/{agent}/keys``; no range means any address, no expiry none, no rate the agent's alone.

    ``public_key`` (Ed25519, base64url or PEM) makes a key without a secret; without it the key has a derived one.
    ``key_class`` is how often it is rotated, the stage's own unless given; ``self_rotation`` lets its agent replace it.
    ``deliver`` puts it into the agent's secret in Secrets Manager, which rotates it, instead of showing its secret.
    """

    scopes: Annotated[list[Scope], Field(min_length=1, max_length=8), AfterValidator(_apart)] = Field(
        default_factory=lambda: list(DEFAULT_SCOPES)
    )
    ip_ranges: Annotated[list[Network], Field(max_length=16)] = Field(default_factory=list)
    expires_at: Instant | None = None
    rate: RateLimit | None = None
    public_key: PublicKey | None = None
    key_class: KeyClass | None = None
    self_rotation: bool = False
    deliver: bool = False


class Retirement(StrictModel):
    """``POST /v1/agents/{agent}/keys/{key}/retire``: the instant from which the key is refused."""

    until: Instant


class Suspension(StrictModel):
    """``POST /v1/agents/{agent}/suspend``."""

    reason: Reason


class NewPrice(StrictModel):
    """``PUT /v1/prices/{token}``: dollars for one token, and how old the price may get.

    It ends after ``max_age_seconds`` unless ``expires_at`` says otherwise; null is for a peg, which holds until it is
    set again. A feed renews what is no peg, each time for ``max_age_seconds``.
    """

    usd: Price
    expires_at: Instant | None = None
    max_age_seconds: Annotated[int, Field(ge=60, le=30 * 86_400)] = PRICE_LIFETIME_SECONDS

    def entry(self, now: int) -> dict[str, Any]:
        """The price table's entry when it is set at ``now`` (microseconds)."""
        aged = now + self.max_age_seconds * times.SECOND
        ends = instant(self.expires_at) if "expires_at" in self.model_fields_set else aged
        return {"usd": self.usd, "expires_at": ends, "updated_at": now, "max_age": self.max_age_seconds}


def instant(text: str | None) -> int | None:
    """Microseconds of an optional instant."""
    return None if text is None else times.parse_rfc3339(text)


def describe_account(account: Account) -> dict[str, Any]:
    """An agent's public form."""
    return {
        "agent_id": account.agent,
        "name": account.name,
        "state": account.state,
        "epoch": account.epoch,
        "policy_version": account.policy_version,
        "policy_sha256": account.policy_sha256.hex(),
        **({"incident": account.incident} if account.incident else {}),
        **({"shadow_sha256": account.shadow_sha256.hex()} if account.shadow_sha256 else {}),
        "created_at": times.rfc3339(account.created_at),
    }


def describe_key(record: KeyRecord) -> dict[str, Any]:
    """A key's public form. The secret is no part of it."""
    return {
        "key_id": record.key_id,
        "agent_id": record.agent,
        "state": record.state,
        "version": record.version,
        "scopes": list(record.scopes),
        "ip_ranges": list(record.ip_ranges),
        "expires_at": _text(record.ends_at),
        "rate": {"per_minute": record.rate.per_minute, "burst": record.rate.burst} if record.rate else None,
        "created_at": times.rfc3339(record.created_at),
        "algorithm": record.algorithm,
        **({"public_key": public_keys.encode_ed25519(record.public_key)} if record.public_key else {}),
        "key_class": record.key_class,
        "self_rotation": record.self_rotation,
        "delivered": record.delivered,
        "parent": record.parent,
    }


def new_key(wanted: NewKey, key_id: str, agent: str, now: int, default_class: str) -> KeyRecord:
    """The record of the key that a body asks for."""
    return KeyRecord(
        key_id,
        agent,
        "active",
        1,
        tuple(wanted.scopes),
        tuple(wanted.ip_ranges),
        created_at=now,
        ends_at=instant(wanted.expires_at),
        rate=Rate(wanted.rate.per_minute, wanted.rate.burst) if wanted.rate else None,
        algorithm=ED25519 if wanted.public_key else HMAC_SHA256,
        public_key=public_keys.parse_ed25519(wanted.public_key) if wanted.public_key else None,
        key_class=wanted.key_class or default_class,
        self_rotation=wanted.self_rotation,
        delivered=wanted.deliver,
    )


def is_retry(stored: KeyRecord, wanted: KeyRecord) -> bool:
    """Whether ``stored`` is what this call, or its first try a while ago, has made."""
    same = replace(wanted, created_at=stored.created_at, epoch=stored.epoch) == stored
    return same and wanted.created_at - stored.created_at <= SECRET_RETRY_WINDOW


def describe_price(entry: dict[str, Any]) -> dict[str, Any]:
    """A price's public form."""
    return {
        "usd": entry["usd"],
        "expires_at": _text(entry["expires_at"]),
        "updated_at": times.rfc3339(entry["updated_at"]),
        "max_age_seconds": entry["max_age"],
    }


def _text(micros: int | None) -> str | None:
    return None if micros is None else times.rfc3339(micros)
