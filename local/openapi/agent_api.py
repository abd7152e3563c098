"""The agent API, one entry per operation."""

from local import ports
from local.openapi import answers
from local.openapi.operation import Api, Operation
from local.openapi.own_key_answers import OwnKeys, RotatedKey
from local.openapi.parts import MESSAGE_SIGNATURE, SIGNED_HEADERS
from portcullis.domain.agent_requests import Cancellation, Claim, Confirmation, Failure, Settlement
from portcullis.domain.approver_requests import RiskDecision
from portcullis.domain.self_rotation import SelfRotation
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

CLAIM = {"agent_id": "ag_7N42dgm5tFLK9N8MT7fHC7", "claim_token": "Zk3pV0aX9cQe7RtYb2LmNw"}
CONTENT = {
    "agent_id": "ag_7N42dgm5tFLK9N8MT7fHC7",
    "content_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
MOVED = ("agent_suspended", "not_found", "state_conflict")

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
            summary="Submit a transaction: 201 approved, 202 held, 403 denied; 200 a repeat of what has moved on",
            scope="transactions:create",
            parameters=("idempotency_key",),
            body=TransactionRequest,
            example=TRANSFER,
            answers={200: answers.Transaction, 201: answers.Transaction, 202: answers.Transaction},
            codes=("agent_suspended", "policy_denied", "idempotency_conflict"),
        ),
        Operation(
            name="list_transactions",
            method="GET",
            path="/v1/transactions",
            summary="List this agent's transactions, or those of one that it executes or assesses for",
            scope="transactions:read",
            parameters=("whose", "status", "limit", "cursor"),
            answers={200: answers.Transactions},
            codes=("agent_suspended", "not_found"),
        ),
        Operation(
            name="get_transaction",
            method="GET",
            path="/v1/transactions/{id}",
            summary="Read a transaction of this agent, or one that it executes, assesses or is a party to",
            scope="transactions:read",
            parameters=("whose",),
            answers={200: answers.Transaction},
            codes=("agent_suspended", "not_found"),
        ),
        Operation(
            name="claim_transaction",
            method="POST",
            path="/v1/transactions/{id}/claim",
            summary="Take an approved transaction, to pay it exactly once; the same token gets the same answer",
            scope="transactions:claim",
            body=Claim,
            example=CLAIM,
            answers={200: answers.Transaction},
            codes=MOVED,
        ),
        Operation(
            name="settle_transaction",
            method="POST",
            path="/v1/transactions/{id}/settle",
            summary="Report that a claimed transaction was paid",
            scope="transactions:claim",
            body=Settlement,
            example={**CLAIM, "reference": "0xfeed"},
            answers={200: answers.Transaction},
            codes=MOVED,
        ),
        Operation(
            name="fail_transaction",
            method="POST",
            path="/v1/transactions/{id}/fail",
            summary="Report that a claimed transaction was not paid and will not be",
            scope="transactions:claim",
            body=Failure,
            example={**CLAIM, "reason": "no funds"},
            answers={200: answers.Transaction},
            codes=MOVED,
        ),
        Operation(
            name="cancel_transaction",
            method="POST",
            path="/v1/transactions/{id}/cancel",
            summary="Take back a transaction of this agent that nobody has claimed",
            scope="transactions:create",
            body=Cancellation,
            body_required=False,
            example={},
            answers={200: answers.Transaction},
            codes=MOVED,
        ),
        Operation(
            name="confirm_transaction",
            method="POST",
            path="/v1/transactions/{id}/confirm",
            summary="Agree, as a party of an escrow, to its release",
            scope="transactions:confirm",
            body=Confirmation,
            example=CONTENT,
            answers={200: answers.Transaction},
            codes=("policy_denied", *MOVED),
        ),
        Operation(
            name="decide_risk",
            method="POST",
            path="/v1/transactions/{id}/risk-decision",
            summary="Approve or deny another agent's held transaction, as its risk agent",
            scope="transactions:risk",
            body=RiskDecision,
            example={**CONTENT, "decision": "deny", "reason": "unusual destination"},
            answers={200: answers.Transaction},
            codes=("policy_denied", "forbidden", *MOVED),
        ),
        Operation(
            name="list_own_keys",
            method="GET",
            path="/v1/keys",
            summary="List the live keys of this agent",
            answers={200: OwnKeys},
        ),
        Operation(
            name="rotate_key",
            method="POST",
            path="/v1/keys/rotate",
            summary="Replace the key that signs, once, where it may; the same Idempotency-Key shows the secret again",
            parameters=("rotation_key",),
            body=SelfRotation,
            body_required=False,
            example={},
            answers={201: RotatedKey},
            codes=("scope_missing", "forbidden", "agent_suspended", "idempotency_conflict", "state_conflict"),
        ),
    ),
)
