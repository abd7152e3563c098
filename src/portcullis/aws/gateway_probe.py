"""A signed request to the deployed agent API, as an agent sends it: whether a key is taken, and for whose."""

import http.client
import json
import ssl
from typing import Any
from urllib.parse import SplitResult, urlsplit

from portcullis.aws.wire import Unavailable
from portcullis.protocol import signing

TIMEOUT_SECONDS = 10.0
MAX_ANSWER = 65_536


def whoami(api_url: str, key_id: str, secret: str, now: int, nonce: str) -> tuple[str, str] | str:
    """The key id and the agent that ``GET /v1/whoami`` saw, or the code of the refusal; ``now`` in unix seconds.

    Unavailable when there is no answer of the gateway's."""
    url = urlsplit(api_url)
    path = f"{url.path.rstrip('/')}/v1/whoami"
    headers = signing.signed_headers(key_id, secret, "GET", path, "", b"", now, nonce)
    status, content = _get(url, path, headers)
    try:
        answer = json.loads(content)
        return (answer["key_id"], answer["agent_id"]) if status == 200 else str(answer["code"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Unavailable(f"the gateway answered {status} without its form") from None


def _get(url: SplitResult, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = _connection(url)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(MAX_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"the gateway did not answer ({type(error).__name__})") from None
    finally:
        connection.close()


def _connection(url: SplitResult) -> http.client.HTTPConnection:
    options: dict[str, Any] = {"timeout": TIMEOUT_SECONDS}
    if url.scheme == "https":
        return http.client.HTTPSConnection(
            url.hostname or "", url.port, context=ssl.create_default_context(), **options
        )
    return http.client.HTTPConnection(url.hostname or "", url.port, **options)
