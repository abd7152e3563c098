"""The bodies and headers of the answers that API Gateway itself gives.

Symptoms mended: `$context.authorizer.*` and `$context.identity.sourceIp` stay unresolved in templates and
headers; a `content-type` of the template is sent beside the default one; a function that fails is answered
with its error message and with no gateway response at all; answers carry no request id.
"""

import re
from typing import Any

from local.emulator.client_request import current
from local.emulator.hooks import module, replace
from local.emulator.source_address import source_address

_VARIABLE = re.compile(r"\$\{?context\.(authorizer\.[\w-]+|identity\.sourceIp|identity\.userAgent)\}?")


def mend() -> None:
    gateway = module("services.apigateway_v1")
    replace(gateway, "_gateway_request_value", _header_value)
    replace(gateway, "_gateway_error_response", _error_response)
    replace(gateway, "_lambda_proxy_response", _hide_function_errors)
    replace(gateway, "_invoke_lambda_proxy_v1", lambda original: _proxy(original, gateway))
    replace(gateway, "_handle_execute_in_scope", _with_request_id)


def context_value(name: str) -> str:
    """The value of `$context.<name>`; what is absent renders as nothing, as on AWS."""
    request = current()
    if name.startswith("authorizer."):
        return request.authorizer.get(name.removeprefix("authorizer."), "")
    headers = request.last_headers()
    return source_address(headers) if name == "identity.sourceIp" else headers.get("user-agent", "")


def _header_value(original: Any) -> Any:
    def value(source: str, request: dict[str, Any]) -> str | None:
        if source.startswith(("context.authorizer.", "context.identity.")):
            return context_value(source.removeprefix("context.")) or None
        found: str | None = original(source, request)
        return found

    return value


def _error_response(original: Any) -> Any:
    def respond(error: Any, request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        request["request_id"] = current().request_id
        status, headers, body = original(error, request)
        text = _VARIABLE.sub(lambda found: context_value(found[1]), body.decode())
        if getattr(error, "status", None) and status == 500:
            status = error.status
        return status, fold_headers(headers), text.encode()

    return respond


def fold_headers(headers: dict[str, str]) -> dict[str, str]:
    """One header per name whatever its case: the last one, which is the template's."""
    names = {name.lower(): name for name in headers}
    return {name: headers[name] for name in names.values()}


class _FunctionFailed(Exception):
    """A function answered with an error or in no form that a proxy integration can send."""


def _hide_function_errors(original: Any) -> Any:
    def respond(result: dict[str, Any]) -> Any:
        answer = result.get("body")
        well_formed = isinstance(answer, dict) and str(answer.get("statusCode", "")).isdigit()
        if result.get("error") or result.get("throttle") or not well_formed:
            raise _FunctionFailed
        return original(result)

    return respond


def _proxy(original: Any, gateway: Any) -> Any:
    async def invoke(*args: Any, **named: Any) -> Any:
        try:
            return await original(*args, **named)
        except _FunctionFailed:
            error = gateway._GatewayError("DEFAULT_5XX", "Internal server error", "InternalServerErrorException")
            error.status = 502
            return error

    return invoke


def _with_request_id(original: Any) -> Any:
    async def handle(*args: Any, **named: Any) -> Any:
        status, headers, body = await original(*args, **named)
        if not any(name.lower() == "x-amzn-requestid" for name in headers):
            headers = {**headers, "x-amzn-RequestId": current().request_id}
        return status, headers, body

    return handle
