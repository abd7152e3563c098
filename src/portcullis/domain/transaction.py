"""What an agent asks for: the request model and its canonical content, which idempotency and approvals bind to."""

import hashlib
import json
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from portcullis.domain import addresses, money
from portcullis.domain.models import StrictModel, validate
from portcullis.protocol.strict_json import MalformedInput, parse_object

MAX_CONTENT_BYTES = 448
MAX_MEMO_BYTES = 140

Kind = Literal["transfer", "swap", "contract_call", "escrow_create", "escrow_release", "bet", "purchase"]
Chain = Literal["ethereum", "base", "arbitrum", "optimism", "polygon", "avalanche", "solana", "bitcoin"]
Amount = Annotated[str, AfterValidator(money.canonical_decimal), Field(json_schema_extra={**money.POSITIVE_SCHEMA})]
Token = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]
AgentId = Annotated[str, Field(pattern=r"^ag_[0-9A-Za-z]{22}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Address = Annotated[str, Field(min_length=1, max_length=100)]

_FIELDS_OF_KIND = {
    "contract_call": {"call"},
    "swap": {"token_out", "min_out"},
    "escrow_create": {"escrow_id"},
    "escrow_release": {"escrow_id"},
}
_SPECIFIC_FIELDS = ("call", "token_out", "min_out", "escrow_id")


def _one_member(schema: dict[str, Any]) -> None:
    """The schema of an object with exactly one of its members, none of them null."""
    schema["properties"] = {name: member["anyOf"][0] for name, member in schema["properties"].items()}
    schema |= {"minProperties": 1, "maxProperties": 1}


def _members_by_kind(schema: dict[str, Any]) -> None:
    """The schema of a request whose kind says which of the specific fields it has."""
    schema["allOf"] = [
        {
            "if": {"properties": {"kind": {"enum": [kind for kind, own in _FIELDS_OF_KIND.items() if field in own]}}},
            "then": {"required": [field], "properties": {field: {"not": {"type": "null"}}}},
            "else": {"properties": {field: {"type": "null"}}},
        }
        for field in _SPECIFIC_FIELDS
    ]


def _plain_text(text: str) -> str:
    if not text.isprintable():
        raise ValueError("printable characters only")
    if len(text.encode()) > MAX_MEMO_BYTES:
        raise ValueError(f"at most {MAX_MEMO_BYTES} bytes of UTF-8")
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError("write it in Unicode's normalization form C (NFC)")
    return text


Memo = Annotated[str, AfterValidator(_plain_text), Field(json_schema_extra={"maxLength": MAX_MEMO_BYTES})]


class Merchant(StrictModel):
    """A merchant by the operator's id, and its category."""

    id: Name
    category: Name


class Destination(StrictModel):
    """Exactly one of the four."""

    model_config = ConfigDict(json_schema_extra=_one_member)

    wallet: Address | None = None
    contract: Address | None = None
    agent: AgentId | None = None
    merchant: Merchant | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1 or getattr(self, next(iter(self.model_fields_set))) is None:
            raise ValueError("give exactly one of wallet, contract, agent, merchant")
        return self


class Call(StrictModel):
    """A contract call: the 4-byte selector and the SHA-256 of the call data, which the executor verifies."""

    selector: Annotated[str, Field(pattern=r"^0x[0-9a-f]{8}$")]
    data_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class TransactionRequest(StrictModel):
    """The body of ``POST /v1/transactions``."""

    model_config = ConfigDict(json_schema_extra=_members_by_kind)

    kind: Kind
    amount: Amount
    token: Token
    chain: Chain
    destination: Destination
    instructed_by: AgentId | None = None
    memo: Memo | None = None
    call: Call | None = None
    token_out: Token | None = None
    min_out: Amount | None = None
    escrow_id: Name | None = None

    @model_validator(mode="after")
    def _fields_fit_kind(self) -> Self:
        needed = _FIELDS_OF_KIND.get(self.kind, set())
        for field in _SPECIFIC_FIELDS:
            if (getattr(self, field) is not None) != (field in needed):
                raise ValueError(f"{field} {'is required' if field in needed else 'does not belong'} in a {self.kind}")
        return self


@dataclass(frozen=True, slots=True)
class Transaction:
    """A well-formed request. ``content`` is its canonical JSON text; ``destination`` is ``(layer, reference)``.

    ``category`` is that of a merchant, ``selector`` of a contract call, ``token_out`` of a swap.
    """

    content: str
    kind: str
    amount: Decimal
    token: str
    destination: tuple[str, str]
    category: str | None = None
    instructed_by: str | None = None
    selector: str | None = None
    token_out: str | None = None

    @property
    def merchant(self) -> str | None:
        """The merchant's id, where the destination is one."""
        layer, reference = self.destination
        return reference if layer == "merchant" else None

    @property
    def sha256(self) -> bytes:
        """What idempotency compares and approvals bind to."""
        return hashlib.sha256(self.content.encode()).digest()


def parse_transaction(body: str) -> Transaction:
    """The transaction in a request body, or MalformedInput naming the field."""
    request = validate(TransactionRequest, parse_object(body))
    destination = _canonical_destination(request)
    content = {**request.model_dump(exclude_none=True), "destination": destination}
    text = canonical_json(content)
    if len(text.encode()) > MAX_CONTENT_BYTES:
        raise MalformedInput("body", f"at most {MAX_CONTENT_BYTES} bytes of content; shorten memo or ids")
    return _of_content(content, text)


def from_text(content: str) -> Transaction:
    """The transaction of a stored canonical text."""
    return _of_content(json.loads(content), content)


def _of_content(content: dict[str, Any], text: str) -> Transaction:
    layer, value = next(iter(content["destination"].items()))
    reference = f"{content['chain']}:{value}" if layer in ("wallet", "contract") else _plain_reference(value)
    return Transaction(
        text,
        content["kind"],
        Decimal(content["amount"]),
        content["token"],
        (layer, reference),
        category=value["category"] if layer == "merchant" else None,
        instructed_by=content.get("instructed_by"),
        selector=content["call"]["selector"] if "call" in content else None,
        token_out=content.get("token_out"),
    )


def canonical_json(value: Any) -> str:
    """JSON with sorted names and no spaces: one text for one content."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _canonical_destination(request: TransactionRequest) -> dict[str, Any]:
    destination: dict[str, Any] = request.destination.model_dump(exclude_none=True)
    for layer in ("wallet", "contract"):
        if layer in destination:
            try:
                return {layer: addresses.canonical(request.chain, destination[layer])}
            except addresses.InvalidAddress as error:
                raise MalformedInput(f"destination.{layer}", str(error)) from None
    return destination


def _plain_reference(value: Any) -> str:
    return str(value["id"] if isinstance(value, dict) else value)
