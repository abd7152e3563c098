"""The events that a REST API hands to its authorizer and to its functions.

Symptoms mended: an authorizer's `requestContext` has no `path`, `requestId` or `protocol`; repeated headers
arrive as one joined value; the authorizer, the function and the answer each carry another request id.
"""

from typing import Any

from local.emulator.client_request import ClientRequest, current
from local.emulator.hooks import module, replace

Event = dict[str, Any]


def mend() -> None:
    gateway = module("services.apigateway_v1")

    def invoke_authorizer(original: Any) -> Any:
        async def invoke(authorizer: Event, event: Event, account: str, region: str) -> Any:
            request = current()
            complete(event, request)
            result = await original(authorizer, event, account, region)
            answer = result.get("body") if result else None
            if isinstance(answer, dict):
                request.authorizer = verdict_context(answer, gateway._stringify_context)
            return result

        return invoke

    def build_event(original: Any) -> Any:
        def build(*args: Any, **named: Any) -> Event:
            event: Event = original(*args, **named)
            complete(event, current())
            return event

        return build

    replace(gateway, "_invoke_authorizer_lambda", invoke_authorizer)
    replace(gateway, "_build_lambda_event_v1", build_event)


def complete(event: Event, request: ClientRequest) -> None:
    """Add to an event what only the request as it arrived can tell."""
    if request.headers:
        event["headers"] = request.last_headers()
        event["multiValueHeaders"] = request.multi_value_headers()
    context = event.get("requestContext")
    if context is not None:
        context.update(
            path=request_line_path(request.raw_path, context["stage"], event["path"]),
            protocol="HTTP/1.1",
            requestId=request.request_id,
            extendedRequestId=request.request_id,
        )


def request_line_path(raw_path: str, stage: str, path: str) -> str:
    """The path of the request line; the emulator's own URL forms carry it behind a prefix."""
    return raw_path if raw_path.startswith(f"/{stage}/") else f"/{stage}{path}"


def verdict_context(answer: Event, stringify: Any) -> dict[str, str]:
    """The values that `$context.authorizer.*` may name after this verdict."""
    context: dict[str, str] = stringify(answer.get("context"))
    return {**context, "principalId": str(answer.get("principalId", ""))}
