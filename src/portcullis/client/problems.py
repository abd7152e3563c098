"""From an answer that is no success to the error it means."""

import json
import re
from email.utils import parsedate_to_datetime
from typing import Any

from portcullis.client import errors
from portcullis.client.exchange import Answer

MAX_DETAIL = 500
_CODE = re.compile(r"[a-z_]{1,64}", re.ASCII)
_REQUEST_ID = re.compile(r"[A-Za-z0-9_=.:-]{1,128}", re.ASCII)
_MEMBERS = {"type", "title", "status", "code", "detail", "request_id"}
_BY_CODE: dict[str, type[errors.RefusedError]] = {
    "timestamp_out_of_window": errors.ClockSkewError,
    "idempotency_conflict": errors.IdempotencyConflictError,
}
_BY_STATUS: dict[int, type[errors.RefusedError]] = {
    400: errors.MalformedRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    413: errors.MalformedRequestError,
    429: errors.RateLimitedError,
    502: errors.UnavailableError,
    503: errors.UnavailableError,
    504: errors.UnavailableError,
}
_CLOCK = "This machine's clock is more than 300 seconds off the gateway's. Check the clock (NTP), then try again."


def problem_of(answer: Answer) -> dict[str, Any]:
    """The answer's problem object; empty when it carries none."""
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) and isinstance(value.get("code"), str) else {}


def error_of(answer: Answer) -> errors.PortcullisError:
    """The error for an answer that is no success."""
    problem = problem_of(answer)
    request_id = _matching(_REQUEST_ID, problem.get("request_id")) or answer.request_id
    kind = _BY_STATUS.get(answer.status)
    if kind is None and not (problem and answer.status >= 400):
        return errors.UnexpectedAnswerError(_foreign(answer), status=answer.status, request_id=request_id)
    code = _matching(_CODE, problem.get("code")) or "unknown"
    kind = _BY_CODE.get(code) or kind or errors.RefusedError
    members = {name: value for name, value in problem.items() if name not in _MEMBERS}
    return kind(
        _CLOCK if kind is errors.ClockSkewError else _detail(problem, answer),
        code=code,
        status=answer.status,
        request_id=request_id,
        members=members,
        retry_after=retry_after(answer),
    )


def retry_after(answer: Answer, now: float | None = None) -> float | None:
    """Seconds of the Retry-After field (RFC 9110 10.2.3); a date only counts when ``now`` is given."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    if now is None or not text:
        return None
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _detail(problem: dict[str, Any], answer: Answer) -> str:
    detail = problem.get("detail")
    if not isinstance(detail, str) or not detail:
        return f"HTTP {answer.status} without a problem description; a proxy in between may have answered."
    return "".join(character if character.isprintable() else " " for character in detail[:MAX_DETAIL])


def _foreign(answer: Answer) -> str:
    if 300 <= answer.status < 400:
        return "The gateway never redirects. Give its own address, with the stage, as the URL."
    return f"HTTP {answer.status} is not an answer of this API. Check that the URL is the gateway's, with the stage."


def _matching(pattern: re.Pattern[str], value: Any) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
