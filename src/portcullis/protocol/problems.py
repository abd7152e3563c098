"""Problem details (RFC 9457) of every refusal: one table of stable codes, shared by functions, gateway and SDK."""

from dataclasses import dataclass
from typing import Any

CONTENT_TYPE = "application/problem+json"
TYPE_BASE = "urn:portcullis:problem:"
RETRY_AFTER_SECONDS = 1

SECURITY_HEADERS = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of refusal: its HTTP ``status``, ``title`` and the ``detail`` that says what to do next."""

    status: int
    title: str
    detail: str


PROBLEMS = {
    "malformed_request": Problem(400, "Malformed request", "Correct the named field and send the request again."),
    "body_digest_mismatch": Problem(
        400,
        "Body digest mismatch",
        "The body received is not the one whose SHA-256 was signed. Sign the exact bytes that are sent.",
    ),
    "missing_credentials": Problem(
        401,
        "Missing credentials",
        "Send X-API-Key, X-Timestamp, X-Nonce, X-Content-SHA256 and X-Signature, each once; or a message signature.",
    ),
    "malformed_credentials": Problem(
        401,
        "Malformed credentials",
        "A credential header or the target is not in the signed form, a header is repeated, or two schemes are mixed.",
    ),
    "timestamp_out_of_window": Problem(
        401,
        "Timestamp out of window",
        "X-Timestamp or created must be within 300 seconds of now, expires ahead. Check the clock.",
    ),
    "invalid_credentials": Problem(
        401,
        "Invalid credentials",
        "The key and signature were not accepted. Check the key, its state and the string to sign.",
    ),
    "nonce_replayed": Problem(
        401, "Nonce replayed", "This nonce was used before. Sign every attempt anew, with a fresh nonce."
    ),
    "ip_not_allowed": Problem(401, "Address not allowed", "The key may not be used from this source address."),
    "forbidden": Problem(
        403,
        "Forbidden",
        "The caller may not do this. Sign with AWS credentials (SigV4) that are allowed to invoke it.",
    ),
    "scope_missing": Problem(403, "Scope missing", "The key lacks the scope that this call needs."),
    "agent_suspended": Problem(403, "Agent suspended", "The agent is suspended. Contact its operator."),
    "policy_denied": Problem(403, "Denied by policy", "The policy does not allow this transaction. See violations."),
    "blocked": Problem(403, "Blocked", "The request was blocked before it reached the gateway."),
    "not_found": Problem(404, "Not found", "There is no such resource."),
    "idempotency_conflict": Problem(
        409,
        "Idempotency conflict",
        "This Idempotency-Key was used with other content. Use a new key for a new transaction.",
    ),
    "state_conflict": Problem(409, "State conflict", "The resource has changed. Read it again, then decide."),
    "too_large": Problem(413, "Too large", "The request is larger than the gateway accepts."),
    "rate_limited": Problem(429, "Rate limited", "Wait for the time in Retry-After, then send again."),
    "dependency_unavailable": Problem(
        503,
        "Dependency unavailable",
        "The outcome is unknown. Send again after Retry-After with the same Idempotency-Key, never with a new one.",
    ),
}


def problem_body(code: str, request_id: str, detail: str | None = None, **members: Any) -> dict[str, Any]:
    """The JSON object of a refusal; ``members`` are RFC 9457 extension members such as ``violations``."""
    problem = PROBLEMS[code]
    return {
        "type": TYPE_BASE + code,
        "title": problem.title,
        "status": problem.status,
        "code": code,
        "detail": detail or problem.detail,
        "request_id": request_id,
        **members,
    }
