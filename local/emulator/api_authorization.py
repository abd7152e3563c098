"""Who may call a method with AWS_IAM authorization.

Symptoms mended: the root key `test` passes with any secret, so anyone could be the account's root on the
operator API; a caller without permission gets an answer of the emulator's own form, past the API's gateway responses.
"""

from typing import Any

from local.emulator.hooks import module, replace

_INVOKE = "execute-api:Invoke"


def mend() -> None:
    app, evaluator = module("app"), module("core.iam_evaluator")
    gateway = module("services.apigateway_v1")
    gateway._AUTHENTICATION_GATEWAY_ERRORS["AccessDenied"] = ("ACCESS_DENIED", "AccessDeniedException")

    def enforce_data_plane(original: Any) -> Any:
        def enforce(
            service: str, action: str, headers: dict[str, str], query: dict[str, Any], request_id: str, **named: Any
        ) -> Any:
            answer = named.get("auth_error_response")
            if action != _INVOKE or answer is None:
                return original(service, action, headers, query, request_id, **named)
            denial = refusal(headers, query, named["resource_arn"])
            return answer(denial) if denial else None

        return enforce

    def refusal(headers: dict[str, str], query: dict[str, Any], method_arn: str) -> Any:
        """Why this caller may not invoke the method, or None. The root key has no secret to prove."""
        key = app.extract_access_key_id(headers, query)
        if key and evaluator.is_root_access_key(key):
            return evaluator.AuthError(
                "UnrecognizedClientException", "The security token included in the request is invalid."
            )
        region = app.extract_region(headers, query)
        denied = evaluator.enforce(key, _INVOKE, "apigateway", region, resource_arn=method_arn)
        if isinstance(denied, evaluator.EvalResult):
            return evaluator.AuthError("AccessDenied", _denial(denied.principal_arn, method_arn))
        return denied

    replace(app, "_enforce_data_plane", enforce_data_plane)


def _denial(principal: str, method_arn: str) -> str:
    return f"User: {principal} is not authorized to perform: {_INVOKE} on resource: {method_arn}"
