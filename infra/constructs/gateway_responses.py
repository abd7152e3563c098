"""What API Gateway answers by itself: problem details like every other refusal, with the same security headers."""

import json
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_apigateway as apigateway

from portcullis.protocol.problems import (
    CONTENT_TYPE,
    PROBLEMS,
    RETRY_AFTER_SECONDS,
    SECURITY_HEADERS,
    TYPE_BASE,
    problem_body,
)

REQUEST_ID = "$context.requestId"
RETRYABLE = {429, 503}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The status and body of one type of gateway response."""

    status: int
    body: dict[str, Any]


def refusal(code: str, detail: str | None = None) -> Refusal:
    """The refusal of the problem table that has ``code``."""
    return Refusal(PROBLEMS[code].status, problem_body(code, REQUEST_ID, detail))


def _authorizer_refusal() -> Refusal:
    """The authorizer names the code and the detail; both are fixed plain words, for nothing escapes them here."""
    body = problem_body("invalid_credentials", REQUEST_ID, "$context.authorizer.detail")
    code = "$context.authorizer.code"
    return Refusal(401, body | {"type": TYPE_BASE + code, "code": code, "title": "Request not authenticated"})


BAD_REQUEST = refusal(
    "malformed_request", "The request is not one that this API can read. Check its path, query and headers."
)
UNAVAILABLE = refusal("dependency_unavailable")
NOT_SIGNED = refusal(
    "forbidden", "Sign with AWS credentials (SigV4) that may invoke this route. An unknown route answers the same."
)

COMMON = {
    "BAD_REQUEST_BODY": BAD_REQUEST,
    "BAD_REQUEST_PARAMETERS": BAD_REQUEST,
    "UNSUPPORTED_MEDIA_TYPE": BAD_REQUEST,
    "RESOURCE_NOT_FOUND": refusal("not_found"),
    "REQUEST_TOO_LARGE": refusal("too_large"),
    "THROTTLED": refusal("rate_limited"),
    "QUOTA_EXCEEDED": refusal("rate_limited"),
    "WAF_FILTERED": refusal("blocked"),
    "API_CONFIGURATION_ERROR": UNAVAILABLE,
    "AUTHORIZER_CONFIGURATION_ERROR": UNAVAILABLE,
    "AUTHORIZER_FAILURE": UNAVAILABLE,
    "INTEGRATION_FAILURE": UNAVAILABLE,
    "INTEGRATION_TIMEOUT": UNAVAILABLE,
    "DEFAULT_4XX": BAD_REQUEST,
    "DEFAULT_5XX": UNAVAILABLE,
}
AGENT_API = COMMON | {
    "ACCESS_DENIED": _authorizer_refusal(),
    "UNAUTHORIZED": refusal("missing_credentials"),
    # API Gateway's name for a path and method that the API does not have.
    "MISSING_AUTHENTICATION_TOKEN": refusal("not_found"),
    "INVALID_SIGNATURE": refusal("invalid_credentials"),
    "EXPIRED_TOKEN": refusal("invalid_credentials"),
    "INVALID_API_KEY": refusal("invalid_credentials"),
}
# With IAM authorization an unsigned request and an unknown route are one type of response, so they share one answer,
# which tells a caller without credentials nothing about the routes.
OPERATOR_API = COMMON | dict.fromkeys(
    (
        "ACCESS_DENIED",
        "UNAUTHORIZED",
        "MISSING_AUTHENTICATION_TOKEN",
        "INVALID_SIGNATURE",
        "EXPIRED_TOKEN",
        "INVALID_API_KEY",
    ),
    NOT_SIGNED,
)


def add_gateway_responses(api: apigateway.RestApi, refusals: dict[str, Refusal]) -> None:
    """Give ``api`` its own answer for every type of gateway response."""
    for type_, answer in refusals.items():
        api.add_gateway_response(
            "".join(word.capitalize() for word in type_.split("_")) + "Response",
            type=apigateway.ResponseType.of(type_),
            status_code=str(answer.status),
            response_headers=_headers(answer.status),
            templates={"application/json": json.dumps(answer.body)},
        )


def _headers(status: int) -> dict[str, str]:
    headers = {**SECURITY_HEADERS, "Content-Type": CONTENT_TYPE}
    if status in RETRYABLE:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return {name: f"'{value}'" for name, value in headers.items()}
