"""Calls of the operator API."""

import secrets
from typing import Any

import httpx

from portcullis.aws.operator_signing import OperatorAuth
from portcullis.cli.failure import REFUSED, UNREACHABLE, Failure
from portcullis.cli.target import Target

TIMEOUT_SECONDS = 30.0


class Operator:
    """The operator API of one gateway. ``transport`` is for tests."""

    def __init__(self, target: Target, transport: httpx.BaseTransport | None = None) -> None:
        self.target = target
        auth = OperatorAuth(target.credentials, target.region)
        self._client = httpx.Client(auth=auth, timeout=TIMEOUT_SECONDS, transport=transport)

    def get(self, path: str, **parameters: str | int | None) -> dict[str, Any]:
        """Read."""
        given = {name: value for name, value in parameters.items() if value is not None}
        return self._call("GET", path, params=given)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Create or act, under a fresh Idempotency-Key."""
        return self._call("POST", path, json=body or {}, headers={"Idempotency-Key": secrets.token_urlsafe(24)})

    def put(self, path: str, body: Any, **headers: str) -> dict[str, Any]:
        """Replace; header names are given with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._call("PUT", path, json=body, headers=named)

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, self.target.url + path, **options)
        except httpx.HTTPError as error:
            raise unreachable(self.target.url, error) from None
        if answer.is_success:
            body: dict[str, Any] = answer.json()
            return body
        raise Failure(describe_problem(answer), UNREACHABLE if answer.status_code >= 500 else REFUSED)


def unreachable(url: str, error: httpx.HTTPError) -> Failure:
    """No answer, and httpx's reason."""
    return Failure(f"cannot reach {url}: {str(error) or type(error).__name__}", UNREACHABLE)


def describe_problem(answer: httpx.Response) -> str:
    """A refusal in two lines: code and detail, then the id to ask the operators of the gateway with."""
    try:
        problem = answer.json()
        return f"{answer.status_code} {problem['code']}: {problem['detail']}\nrequest id {problem['request_id']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code}: the answer is not this gateway's; check the URL"
