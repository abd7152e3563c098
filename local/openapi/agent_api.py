"""The agent API, one entry per operation."""

from local import ports
from local.openapi import answers
from local.openapi.operation import Api, Operation
from local.openapi.parts import MESSAGE_SIGNATURE, SIGNED_HEADERS
from portcullis.domain.transaction import TransactionRequest

DESCRIPTION = """\
What agents call. Every request is signed, in one of two schemes: five headers with an HMAC (docs/signing.md), or HTTP
message signatures (docs/message-signatures.md). The signed path includes the stage.

Every refusal is problem details (RFC 9457) with a stable `code`. Sign every attempt anew; keep the `Idempotency-Key`
over the attempts of one transaction."""

TRANSFER = {
    "kind": "transfer",
    "amount": "12.50",
    "token": "USDC",
    "chain": "base",
    "destination": {"wallet": "0x52908400098527886e0f7030069857d2e4169ee7"},
}

AGENT_API = Api(
    title="Portcullis agent API",
    description=DESCRIPTION,
    port=ports.FIRST + 1,
    schemes=SIGNED_HEADERS | MESSAGE_SIGNATURE,
    security=(tuple(SIGNED_HEADERS), tuple(MESSAGE_SIGNATURE)),
    headers=("RateLimit-Policy", "RateLimit"),
    codes=(
        "malformed_request",
        "body_digest_mismatch",
        "missing_credentials",
        "malformed_credentials",
        "timestamp_out_of_window",
        "invalid_credentials",
        "nonce_replayed",
        "ip_not_allowed",
        "blocked",
        "rate_limited",
        "dependency_unavailable",
    ),
    operations=(
        Operation(
            name="whoami",
            method="GET",
            path="/v1/whoami",
            summary="Who signs, and what the key may do",
            answers={200: answers.Whoami},
        ),
        Operation(
            name="create_transaction",
            method="POST",
            path="/v1/transactions",
            summary="Submit a transaction: 201 approved, 202 held for a human, 403 denied",
            scope="transactions:create",
            parameters=("idempotency_key",),
            body=TransactionRequest,
            example=TRANSFER,
            answers={201: answers.Transaction, 202: answers.Transaction},
            codes=("agent_suspended", "policy_denied", "idempotency_conflict"),
        ),
        Operation(
            name="get_transaction",
            method="GET",
            path="/v1/transactions/{id}",
            summary="Read a transaction of this agent",
            scope="transactions:read",
            answers={200: answers.Transaction},
            codes=("agent_suspended", "not_found"),
        ),
    ),
)
