"""Calls to AWS over one kept connection per service: signed, bounded in time, retried where a retry is safe.

Every call here is a read, a conditional write that carries its own proof of identity, or a batch of events whose
consumers drop repeats by their ids, so that sending it twice is the same as once. What cannot be reached within the
attempts is Unavailable: the caller fails closed.
"""

import http.client
import json
import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import quote, urlsplit

from portcullis.aws import sigv4
from portcullis.aws.settings import AwsEnvironment

ATTEMPTS = 3
TIMEOUT_SECONDS = 2.0
_BACKOFF_SECONDS = 0.05
_UNRESERVED = "-_.~"
_TRANSIENT = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionConflictException",  # a write of one item has met a transaction on it
        "KMSInternalException",
        "DependencyTimeoutException",
        "SlowDown",
        "ConditionalRequestConflict",
        "OperationAborted",
    }
)


class Unavailable(Exception):
    """The service could not be reached or kept failing. Nothing is known of the call's effect."""


class AwsError(Exception):
    """The service refused the call. ``code`` is its error type, ``payload`` the parsed answer."""

    def __init__(self, code: str, status: int, payload: dict[str, Any]) -> None:
        super().__init__(f"{code} (HTTP {status})")
        self.code = code
        self.status = status
        self.payload = payload


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer."""

    headers: Message
    content: bytes


class Service:
    """One AWS service. Not for use by several threads at once: a Lambda process handles one request at a time."""

    def __init__(
        self,
        name: str,
        environment: AwsEnvironment,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._name = name
        self._environment = environment
        self._clock = clock
        self._sleep = sleep
        self._attempts = attempts
        self._timeout = timeout_seconds
        url = urlsplit(environment.endpoint_url or f"https://{name}.{environment.region}.amazonaws.com")
        self._secure = url.scheme == "https"
        self._address = (url.hostname or "", url.port)
        self._host = url.netloc
        self._connection: http.client.HTTPConnection | None = None

    def json_call(self, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
        """One operation of a JSON-protocol service, such as ``DynamoDB_20120810.GetItem``."""
        headers = {"content-type": f"application/x-amz-json-{version}", "x-amz-target": target}
        body = json.dumps(payload, separators=(",", ":")).encode()
        content = self.request("POST", "/", headers, body)
        try:
            answer: dict[str, Any] = json.loads(content or b"{}")
        except ValueError:
            raise Unavailable(f"{self._name}: the answer is not JSON") from None
        return answer

    def request(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
        """The body of a successful answer. Raises AwsError (refused) or Unavailable (after the last attempt)."""
        return self.exchange(method, path, headers, body).content

    def exchange(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b"", query: Mapping[str, str] | None = None
    ) -> Answer:
        """As `request`, with a query, and with the answer's headers."""
        target = quote(path, safe=_UNRESERVED + "/")
        if query:
            pairs = sorted(
                (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in query.items()
            )
            target += "?" + "&".join(f"{name}={value}" for name, value in pairs)
        failure: Exception | None = None
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(random.uniform(0, _BACKOFF_SECONDS * 2**attempt))  # noqa: S311 jitter, not a secret
            try:
                status, answer = self._send(method, target, headers, body)
            except (OSError, http.client.HTTPException) as error:
                self._close()
                failure = error
                continue
            if status < 300:
                return answer
            refusal = _error(status, answer.content)
            if status < 500 and refusal.code not in _TRANSIENT:
                raise refusal
            failure = refusal
        raise Unavailable(f"{self._name}: {failure!r}") from failure

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Answer]:
        signed = sigv4.signed_headers(
            self._environment, self._name, method, self._host, path, headers, body, int(self._clock())
        )
        connection = self._connection or self._connect()
        connection.request(method, path, body, signed)
        response = connection.getresponse()
        return response.status, Answer(response.headers, response.read())

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._address
        if self._secure:
            context = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(host, port, timeout=self._timeout, context=context)
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=self._timeout)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _error(status: int, content: bytes) -> AwsError:
    try:
        payload = json.loads(content)
    except ValueError:
        return AwsError(_xml_code(content), status, {})
    name = payload.get("__type") or payload.get("code") or "Unknown" if isinstance(payload, dict) else "Unknown"
    return AwsError(str(name).rsplit("#", 1)[-1], status, payload if isinstance(payload, dict) else {})


def _xml_code(content: bytes) -> str:
    """The code of S3's XML error, read without a parser: the body is never trusted further than this word."""
    _, _, rest = content.partition(b"<Code>")
    code, end, _ = rest.partition(b"</Code>")
    return code.decode("ascii", "replace") if end else "Unknown"
