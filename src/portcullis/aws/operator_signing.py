"""Signs calls of the operator API with AWS credentials (Signature Version 4, service ``execute-api``)."""

from collections.abc import Generator

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.session import Session

__all__ = ["BotoCoreError", "Credentials", "OperatorAuth", "Session"]

SERVICE = "execute-api"
_NOT_SIGNED = frozenset({"connection", "accept-encoding", "content-length", "user-agent"})


class OperatorAuth(httpx.Auth):
    """Signs the exact bytes that httpx sends, with whatever the credential chain gives at that moment."""

    requires_request_body = True

    def __init__(self, credentials: Credentials, region: str) -> None:
        self._credentials = credentials
        self._region = region

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """One signed request."""
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_SIGNED}
        aws = AWSRequest(method=request.method, url=str(request.url), data=request.content, headers=headers)
        SigV4Auth(self._credentials.get_frozen_credentials(), SERVICE, self._region).add_auth(aws)
        request.headers.update(dict(aws.headers.items()))
        yield request
