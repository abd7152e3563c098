"""Events posted to the team's own URL, signed, each until it was taken."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from portcullis.aws.cache import TtlCache
from portcullis.aws.secrets_manager import SecretsManager
from portcullis.aws.wire import Service, Unavailable
from portcullis.protocol import webhooks

TIMEOUT_SECONDS = 5.0
SECRET_SECONDS = 300.0
MOST_ANSWER = 4_096
FIRST_WAIT, LONGEST_WAIT = 30, 21_600


class NotTaken(Exception):
    """The other side did not answer with success; the message says what it did."""


class Webhook:
    """Not for use by several threads at once. ``secret`` is the ARN of what signs, ``clock`` in unix seconds."""

    def __init__(self, url: str, secret: str, secrets: SecretsManager, clock: Callable[[], float] = time.time) -> None:
        self._url = urlsplit(url)
        self._path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        self._arn = secret
        self._secrets = secrets
        self._cache: TtlCache[str] = TtlCache(1, SECRET_SECONDS, clock)
        self._clock = clock

    def post(self, event: Mapping[str, Any]) -> None:
        """Post an envelope; NotTaken unless the answer is a success. No redirect is followed."""
        body = json.dumps(event, separators=(",", ":")).encode()
        headers = webhooks.signed_headers(self._secret(), event["id"], int(self._clock()), body)
        connection = self._connection()
        try:
            connection.request("POST", self._path, body, {"content-type": "application/json", **headers})
            response = connection.getresponse()
            response.read(MOST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise NotTaken(type(error).__name__) from None
        finally:
            connection.close()
        if not 200 <= response.status < 300:
            raise NotTaken(f"HTTP {response.status}")

    def _secret(self) -> str:
        if secret := self._cache.get(self._arn):
            return secret
        if (secret := self._secrets.current(self._arn)) is None:
            raise Unavailable("the secret of webhooks has no value")
        self._cache.put(self._arn, secret)
        return secret

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme != "https":  # a stage names plain HTTP on its own machine alone
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)


class Backoff:
    """How long the queue keeps back what was not taken: twice as long each time."""

    def __init__(self, queue: str, service: Service) -> None:
        self._queue = queue
        self._service = service

    def keep(self, receipt: str, deliveries: int) -> None:
        """After so many ``deliveries``. Raises Unavailable and AwsError; the queue's own time holds then."""
        self._change(receipt, min(FIRST_WAIT << min(deliveries - 1, 20), LONGEST_WAIT))

    def _change(self, receipt: str, seconds: int) -> None:
        request = {"QueueUrl": self._queue, "ReceiptHandle": receipt, "VisibilityTimeout": seconds}
        self._service.json_call("AmazonSQS.ChangeMessageVisibility", "1.0", request)
