"""Parameters, headers of answers and security schemes, each described once."""

from local.openapi.operation import Json
from portcullis.aws.listings import MAX_CURSOR
from portcullis.aws.proxy import MAX_LIMIT
from portcullis.domain import incidents
from portcullis.domain.approvers import APPROVER_ID
from portcullis.domain.detection.findings import FINDING_ID, OPEN, STATES
from portcullis.domain.key_jobs import FAILED, JOB_ID, OUTSTANDING
from portcullis.domain.record import STATUSES
from portcullis.domain.trust import LEVELS
from portcullis.protocol import message_signatures as messages
from portcullis.protocol import signing


def _parameter(place: str, name: str, description: str, *, required: bool = False, **schema: object) -> Json:
    return {"name": name, "in": place, "required": required, "description": description, "schema": schema}


def _in_path(name: str, description: str, pattern: str) -> Json:
    return _parameter("path", name, description, required=True, type="string", pattern=pattern)


def _compared(name: str, description: str) -> Json:
    return _parameter("query", name, description, type="string", pattern="^([1-9][0-9]{0,8}|draft)$")


def _number(name: str, description: str, *, required: bool = False) -> Json:
    return _parameter("query", name, description, required=required, type="integer", minimum=0, maximum=10**18 - 1)


def _instant(name: str, description: str) -> Json:
    return _parameter("query", name, description, type="string", format="date-time")


AGENT_PATTERN = "^ag_[0-9A-Za-z]{22}$"
ETAG_PATTERN = '^"[1-9][0-9]{0,8}"$'
PAGE = ("limit", "cursor")
"""The parameters of a list."""
IDEMPOTENCY_PATTERN = "^[A-Za-z0-9_-]{16,128}$"
PARAMETERS: dict[str, Json] = {
    "agent": _in_path("agent", "The agent's id.", AGENT_PATTERN),
    "key": _in_path("key", "The key's id.", "^pk_[a-z]{1,12}_[0-9A-Za-z]{28}$"),
    "job": _in_path("job", "The key job's id.", f"^{JOB_ID.pattern}$"),
    "key_status": _parameter(
        "query", "status", "Which keys.", type="string", enum=[OUTSTANDING, FAILED], default=OUTSTANDING
    ),
    "finding": _in_path("finding", "The finding's id.", f"^{FINDING_ID.pattern}$"),
    "finding_state": _parameter(
        "query", "state", "Only findings in this state.", type="string", enum=[*STATES, "all"], default=OPEN
    ),
    "incident": _in_path("incident", "The incident's id.", f"^{incidents.INCIDENT_ID.pattern}$"),
    "incident_state": _parameter(
        "query",
        "state",
        "Only incidents in this state.",
        type="string",
        enum=[*incidents.STATES, "all"],
        default=incidents.OPEN,
    ),
    "id": _in_path("id", "The transaction's id.", "^tx_[0-9A-Za-z]{22}$"),
    "token": _in_path("token", "The token's symbol.", "^[A-Z0-9]{1,12}$"),
    "trust": _in_path("trust", "A trust level.", f"^({'|'.join(LEVELS)})$"),
    "version": _in_path("version", "A version of the policy.", "^[1-9][0-9]{0,8}$"),
    "approver": _in_path("approver", "The approver's id: whoever gives the code.", f"^{APPROVER_ID.pattern}$"),
    "whose": _parameter(
        "query", "agent", "Whose, if not the caller's own: its agent's id.", type="string", pattern=AGENT_PATTERN
    ),
    "of_agent": _parameter("query", "agent", "Only what is of this agent.", type="string", pattern=AGENT_PATTERN),
    "type": _parameter("query", "type", "Only events of this type.", type="string", pattern="^[a-z][a-z0-9_.]{0,63}$"),
    "outcome": _parameter("query", "outcome", "Only of this outcome.", type="string", pattern="^[a-z_]{1,32}$"),
    "since": _instant("since", "Only what happened then or later."),
    "until": _instant("until", "Only what happened before."),
    "index": _number("index", "The entry's place in the log; either this or `event`."),
    "event": _parameter(
        "query", "event", "The event's id; either this or `index`.", type="string", pattern=r"^[ !#-\[\]-~]{1,256}$"
    ),
    "at": _instant("at", "When the event happened, as it says itself: finds it at once, and tells it from a namesake."),
    "first": _number("first", "The size of the older tree.", required=True),
    "second": _number("second", "The size of the newer tree; that of the latest checkpoint unless given."),
    "from": _compared("from", "The version that is compared, or `draft`; the one in force unless given."),
    "to": _compared("to", "What it is compared with, a version or `draft`; the draft unless given."),
    "limit": _parameter(
        "query", "limit", "Entries of one page.", type="integer", minimum=1, maximum=MAX_LIMIT, default=50
    ),
    "cursor": _parameter(
        "query", "cursor", "The `cursor` of the previous page, unchanged.", type="string", maxLength=MAX_CURSOR
    ),
    "status": _parameter("query", "status", "Only transactions of this status.", type="string", enum=[*STATUSES]),
    "idempotency_key": _parameter(
        "header",
        "Idempotency-Key",
        "One per transaction, the same for every attempt: however often it is sent, it is one transaction.",
        required=True,
        type="string",
        pattern=IDEMPOTENCY_PATTERN,
    ),
    "rotation_key": _parameter(
        "header",
        "Idempotency-Key",
        "One per rotation. For ten minutes the same one shows the same secret again.",
        required=True,
        type="string",
        pattern=IDEMPOTENCY_PATTERN,
    ),
    "retry_key": _parameter(
        "header",
        "Idempotency-Key",
        "Send one to be able to repeat the call when its answer was lost.",
        type="string",
        pattern=IDEMPOTENCY_PATTERN,
    ),
    "if_match": _parameter(
        "header",
        "If-Match",
        "The version that this change is based on, from `ETag`.",
        required=True,
        type="string",
        pattern=ETAG_PATTERN,
    ),
    "if_draft": _parameter(
        "header",
        "If-Match",
        "The draft that this one replaces, from `ETag`; left out where there is none yet.",
        type="string",
        pattern=ETAG_PATTERN,
    ),
}

HEADERS: dict[str, Json] = {
    "RateLimit-Policy": {
        "description": 'The rates that the request counted for, such as `"agent";q=100;w=10`.',
        "schema": {"type": "string"},
    },
    "RateLimit": {"description": 'What is left of them, such as `"agent";r=73`.', "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "ETag": {
        "description": "The version, for `If-Match`.",
        "required": True,
        "schema": {"type": "string", "pattern": ETAG_PATTERN},
    },
}


def _credential(name: str, description: str) -> Json:
    return {"type": "apiKey", "in": "header", "name": name, "description": description}


_STRING_TO_SIGN = "`METHOD\\nPATH[?QUERY]\\nTIMESTAMP\\nNONCE\\nBODY_SHA256`"
SIGNED_HEADERS = {
    signing.KEY_ID_HEADER: _credential(signing.KEY_ID_HEADER, "The key id."),
    signing.TIMESTAMP_HEADER: _credential(signing.TIMESTAMP_HEADER, "Unix time in seconds, at most 300 s off."),
    signing.NONCE_HEADER: _credential(
        signing.NONCE_HEADER, "16 to 128 characters of `A-Z a-z 0-9 _ -`, never used before with this key."
    ),
    signing.DIGEST_HEADER: _credential(
        signing.DIGEST_HEADER, "Hex SHA-256 of the raw body, of the empty string when there is none."
    ),
    signing.SIGNATURE_HEADER: _credential(
        signing.SIGNATURE_HEADER, f"Hex HMAC-SHA256 of {_STRING_TO_SIGN} under the secret; see docs/signing.md."
    ),
}
MESSAGE_SIGNATURE = {
    messages.CONTENT_DIGEST_HEADER: _credential(
        messages.CONTENT_DIGEST_HEADER, "RFC 9530: `sha-256=:<base64 of the SHA-256 of the raw body>:`."
    ),
    messages.SIGNATURE_INPUT_HEADER: _credential(
        messages.SIGNATURE_INPUT_HEADER,
        f"RFC 9421: covers at least `{' '.join(messages.REQUIRED_COMPONENTS)}`, with `created`, `nonce` and `keyid`; "
        "see docs/message-signatures.md.",
    ),
    messages.SIGNATURE_HEADER: _credential(
        messages.SIGNATURE_HEADER, "RFC 9421: the signature, by `hmac-sha256` or `ed25519`."
    ),
}
SIGV4 = {
    "Authorization": {
        **_credential("Authorization", "AWS Signature Version 4, service `execute-api`."),
        "x-amazon-apigateway-authtype": "awsSigv4",
    }
}
