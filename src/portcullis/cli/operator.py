"""Calls of the operator API."""

import json
import re
import secrets
import time
from functools import partial
from typing import Any

import httpx

from portcullis.aws.operator_signing import BotoCoreError, OperatorAuth
from portcullis.cli.failure import REFUSED, UNREACHABLE, USAGE, Failure
from portcullis.cli.target import Target, credentials_failure
from portcullis.client.errors import PortcullisError
from portcullis.client.exchange import Answer, Call, Fault, Outcome, RetryPolicy, attempts, run
from portcullis.client.problems import error_of, retry_after
from portcullis.client.settings import is_loopback
from portcullis.client.transport import send_once
from portcullis.protocol.signing import canonical_query

RETRY = RetryPolicy(attempts=3, timeout=30.0, deadline=45.0)
_PATH = re.compile(r"(/[A-Za-z0-9_-]+)+", re.ASCII)


class Operator:
    """The operator API of one gateway. ``transport`` is for tests."""

    def __init__(self, target: Target, transport: httpx.BaseTransport | None = None) -> None:
        self.target = target
        auth = OperatorAuth(target.credentials, target.region)
        self._client = httpx.Client(
            auth=auth, base_url=target.url, transport=transport, trust_env=not is_loopback(target.url)
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, **parameters: str | int | None) -> dict[str, Any]:
        """Read."""
        query = canonical_query((name, str(value)) for name, value in parameters.items() if value is not None)
        return self._call(Call("GET", _checked(path) + (f"?{query}" if query else ""), repeatable=True))

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create, under an Idempotency-Key of its own: a lost answer is asked for again, not made twice."""
        headers = {"Idempotency-Key": secrets.token_urlsafe(24)}
        return self._call(_with_body("POST", path, body, headers, repeatable=True))

    def post(self, path: str, body: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        """Act, once."""
        return self._call(_with_body("POST", path, body or {}, _named(headers), repeatable=False))

    def put(self, path: str, body: Any, **headers: str) -> dict[str, Any]:
        """Replace, once; header names are given with underscores."""
        return self._call(_with_body("PUT", path, body, _named(headers), repeatable=False))

    def delete(self, path: str, **headers: str) -> dict[str, Any]:
        """Remove, once."""
        return self._call(Call("DELETE", _checked(path), repeatable=False, headers=_named(headers)))

    def _call(self, call: Call) -> dict[str, Any]:
        steps = attempts(
            call.repeatable,
            RETRY,
            now=time.monotonic,
            jitter=secrets.SystemRandom().random,
            asked=partial(retry_after, now=None),
        )
        try:
            outcome = run(steps, partial(send_once, self._client, call), time.sleep)
        except BotoCoreError as error:
            raise credentials_failure(error) from None
        return _object(self._answered(outcome))

    def _answered(self, outcome: Outcome) -> Answer:
        if isinstance(outcome, Fault):
            raise unreachable(self.target.url, outcome.detail)
        return outcome


def unreachable(url: str, reason: str) -> Failure:
    """No answer, and the reason."""
    return Failure(f"cannot reach {url} ({reason}); check the URL and the network", UNREACHABLE)


def describe(error: PortcullisError) -> str:
    """A refusal in two lines: code and detail, then the id to ask the operators of the gateway with."""
    status = f"{error.status} " if error.status else ""
    trail = f"\nrequest id {error.request_id}" if error.request_id else ""
    return f"{status}{error.code}: {error.detail}{trail}"


def _object(answer: Answer) -> dict[str, Any]:
    if answer.status not in (200, 201):
        raise Failure(describe(error_of(answer)), UNREACHABLE if answer.status >= 500 else REFUSED)
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Failure("the answer is not this API's; check that --url is the operator API's, stage included", REFUSED)
    return body


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _with_body(method: str, path: str, body: Any, headers: dict[str, str], *, repeatable: bool) -> Call:
    content = json.dumps(body, separators=(",", ":")).encode()
    return Call(method, _checked(path), repeatable, content, {"Content-Type": "application/json", **headers})


def _checked(path: str) -> str:
    if not _PATH.fullmatch(path):
        raise Failure("an id or token holds only letters, digits, _ and -; copy it again", USAGE)
    return path
