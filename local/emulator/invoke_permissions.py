"""The functions' own policies: who may invoke them.

Symptom mended: API Gateway invokes functions that never permitted it, so a missing `AWS::Lambda::Permission` would
first show on AWS, as a configuration error.
"""

from fnmatch import fnmatchcase
from typing import Any

from local.emulator.hooks import module, replace

SERVICE = "apigateway.amazonaws.com"


def mend() -> None:
    gateway = module("services.apigateway_v1")

    def authorizer(original: Any) -> Any:
        async def invoke(configured: dict[str, Any], event: dict[str, Any], account: str, region: str) -> Any:
            api = event["methodArn"].split("/")[0]
            source = f"{api}/authorizers/{configured['id']}"
            if not permitted(_function(gateway, configured["authorizerUri"], account, region), source):
                return None  # which the gateway answers with AUTHORIZER_CONFIGURATION_ERROR
            return await original(configured, event, account, region)

        return invoke

    def integration(original: Any) -> Any:
        async def invoke(settings: dict[str, Any], api: str, stage: str, *more: Any, **named: Any) -> Any:
            _stage, resource, _path, method = more[:4]
            account, region = named["owner_account_id"], named["owner_region"]
            source = f"arn:aws:execute-api:{region}:{account}:{api}/{stage}/{method}{resource['path']}"
            if not permitted(_function(gateway, settings["uri"], account, region), source):
                return gateway._GatewayError("API_CONFIGURATION_ERROR", "Internal server error")
            return await original(settings, api, stage, *more, **named)

        return invoke

    replace(gateway, "_invoke_authorizer_lambda", authorizer)
    replace(gateway, "_invoke_lambda_proxy_v1", integration)


def permitted(function: dict[str, Any] | None, source_arn: str, *, service: str = SERVICE) -> bool:
    """Whether the function's policy lets the service invoke it for this source."""
    statements = ((function or {}).get("policy") or {}).get("Statement") or []
    return any(_allows(statement, source_arn, service) for statement in statements)


def _allows(statement: dict[str, Any], source_arn: str, caller: str) -> bool:
    principal = statement.get("Principal")
    service = principal.get("Service") if isinstance(principal, dict) else principal
    patterns = [
        value
        for block in (statement.get("Condition") or {}).values()
        for key, value in block.items()
        if key.lower() == "aws:sourcearn"
    ]
    return (
        statement.get("Effect") == "Allow"
        and service in (caller, "*")
        and statement.get("Action") in ("lambda:InvokeFunction", "lambda:*")
        and all(fnmatchcase(source_arn, pattern) for pattern in patterns)
    )


def _function(gateway: Any, uri: str, account: str, region: str) -> dict[str, Any] | None:
    reference = gateway._extract_lambda_ref_from_integration_uri(uri)
    lambdas = module("services.lambda_svc")
    function: dict[str, Any] | None
    function, _config, _name = lambdas._get_func_record_for_ref_in_scope(reference, account_id=account, region=region)
    return function
