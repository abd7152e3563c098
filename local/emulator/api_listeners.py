"""One plain address per REST API: `http://127.0.0.1:PORT/STAGE/...` without any Host header.

Symptom mended: an API answers only to a Host or a path that names its id, which most clients cannot send and a signed
request must not contain. Only the API is reachable here; the emulator's own control paths are not.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

from local.emulator.api_query import UNSUPPORTED, delivered
from local.emulator.client_request import remember
from local.emulator.hooks import module

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def dispatcher(endpoint: Application, apis: Mapping[int, str]) -> Application:
    """Serve the emulator's endpoint, and on each port of `apis` the API of that stack output."""

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        port = int((scope.get("server") or (None, 0))[1] or 0)
        if scope["type"] == "http" and port in apis:
            await _serve_api(apis[port], scope, receive, send)
            return
        if scope["type"] == "http":
            remember(scope["headers"], _raw_path(scope))
        await endpoint(scope, receive, send)

    return serve


def api_id(output: str) -> str | None:
    """The id that a deployed stack's output names, or None before the deployment."""
    for stack in module("services.cloudformation")._stacks.all_values():
        for entry in stack.get("Outputs") or []:
            if entry.get("OutputKey") == output and "DELETE" not in stack.get("StackStatus", ""):
                return str(entry["OutputValue"])
    return None


async def _serve_api(output: str, scope: Message, receive: Receive, send: Send) -> None:
    found = api_id(output)
    if found is None:
        await _send(send, 503, {"Content-Type": "application/json"}, _body("this API is not deployed yet"))
        return
    if UNSUPPORTED & set(scope["query_string"].decode("latin-1")):
        await _send(send, 400, {"Content-Type": "application/json"}, _body("Bad Request"))
        return
    body = await _read(receive)
    status, headers, answer = await _answer(found, scope, body)
    await _send(send, status, headers, answer if isinstance(answer, bytes) else str(answer).encode())


async def _answer(found: str, scope: Message, body: bytes) -> tuple[int, dict[str, Any], Any]:
    app, evaluator = module("app"), module("core.iam_evaluator")
    raw_path = _raw_path(scope)
    headers = _joined(remember(scope["headers"], raw_path).multi_value_headers())
    query = delivered(scope["query_string"].decode("latin-1"))
    address = scope["client"][0]
    module("core.responses").set_request_client_ip(address)
    app.pin_request_origin(address, True)
    key = app.extract_access_key_id(headers, query)
    app.set_request_account_id(app._request_account_scope(key) if key else "")
    app.set_request_region(app.extract_region(headers, query))
    evaluator.pin_signed_request(scope["method"], raw_path.decode("latin-1"), query, scope["headers"])
    evaluator.pin_signed_body(body)
    evaluator.pin_request_caller(headers, query)
    answer: tuple[int, dict[str, Any], Any] = await app._handle_execute_api_request(
        f"{found}.execute-api.localhost",
        scope["path"],
        scope["method"],
        headers,
        body,
        query,
        raw_path=raw_path.decode("latin-1"),
        raw_query_string=scope["query_string"].decode("latin-1"),
    )
    return answer


def _raw_path(scope: Message) -> bytes:
    return scope.get("raw_path") or quote(scope["path"]).encode()


def _joined(headers: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: ("; " if name == "cookie" else ", ").join(values) for name, values in headers.items()}


async def _read(receive: Receive) -> bytes:
    chunks = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)


async def _send(send: Send, status: int, headers: Mapping[str, Any], body: bytes) -> None:
    lines = [
        (name.lower().encode("latin-1"), str(value).encode("latin-1"))
        for name, values in headers.items()
        for value in (values if isinstance(values, list) else [values])
        if name.lower() != "content-length"
    ]
    lines.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


def _body(message: str) -> bytes:
    return json.dumps({"message": message}).encode()
