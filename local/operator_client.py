"""Calls the operator API as an operator does: over HTTP, signed with AWS credentials."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.aws import REGION
from local.errors import LocalRunError

TIMEOUT = 30.0


@dataclass(frozen=True)
class Operator:
    """Who calls, and where the API is (`http://127.0.0.1:PORT/STAGE`)."""

    url: str
    access_key_id: str
    secret_access_key: str

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The JSON answer; raises `LocalRunError` with the problem that the API told."""
        data = json.dumps(body).encode() if body is not None else b""
        signed = AWSRequest(method=method, url=self.url + path, data=data, headers={"Content-Type": "application/json"})
        SigV4Auth(Credentials(self.access_key_id, self.secret_access_key), "execute-api", REGION).add_auth(signed)
        request = urllib.request.Request(  # noqa: S310 - the URL is ours, on loopback
            self.url + path, data=data or None, headers=dict(signed.headers.items()), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as refused:
            text = refused.read().decode(errors="replace")
            raise LocalRunError(f"{method} {path} on the operator API was refused ({refused.code}): {text}") from None
