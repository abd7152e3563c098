"""A Regional REST API whose every answer, refusals included, has the form that the project promises."""

import json
from collections.abc import Iterable
from typing import cast

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.gateway_responses import Refusal, add_gateway_responses
from infra.constructs.logs import LogGroup
from infra.stages import Stage

# TLS 1.2 or later with forward secrecy. The default of a Regional API still accepts TLS 1.0.
TLS_POLICY = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"

# No header is logged, so no signature, key or AWS credential can be.
ACCESS_LOG = {
    "request_id": "$context.requestId",
    "extended_request_id": "$context.extendedRequestId",
    "time": "$context.requestTimeEpoch",
    "ip": "$context.identity.sourceIp",
    "caller": "$context.identity.userArn",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "refusal": "$context.error.responseType",
    "code": "$context.authorizer.code",
    "agent": "$context.authorizer.agent",
    "waf": "$context.waf.status",
    "authorizer_ms": "$context.authorizer.latency",
    "integration_ms": "$context.integration.latency",
    "total_ms": "$context.responseLatency",
    "bytes": "$context.responseLength",
}


class RestApi(apigateway.RestApi):
    """Throttled, with an access log, no tracing of bodies, and one Lambda function behind explicit routes."""

    def __init__(
        self, scope: Construct, id_: str, *, stage: Stage, description: str, refusals: dict[str, Refusal]
    ) -> None:
        access_log = LogGroup(scope, f"{id_}AccessLog", stage=stage)
        super().__init__(
            scope,
            id_,
            rest_api_name=f"{stage.prefix}-{description.lower().replace(' ', '-')}",
            description=f"Portcullis {stage.name}: {description}",
            cloud_watch_role=False,
            endpoint_configuration=apigateway.EndpointConfiguration(types=[apigateway.EndpointType.REGIONAL]),
            deploy_options=apigateway.StageOptions(
                stage_name=stage.name,
                access_log_destination=apigateway.LogGroupLogDestination(access_log),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG)),
                data_trace_enabled=False,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                metrics_enabled=True,
                throttling_rate_limit=stage.requests_per_second,
                throttling_burst_limit=2 * stage.requests_per_second,
            ),
        )
        self.node.try_remove_child("Endpoint")  # an output with a generated name; the stack exports its own
        self._require_modern_tls()
        add_gateway_responses(self, refusals)

    def route(self, function: lambda_.IFunction, routes: Iterable[str], **options: object) -> None:
        """Send each of ``routes`` ("GET /v1/whoami") to ``function`` and anything else to nowhere."""
        integration = apigateway.LambdaIntegration(function, scope_permission_to_method=False)
        for route in routes:
            method, path = route.split(" ")
            self.root.resource_for_path(path).add_method(method, integration, **options)  # type: ignore[arg-type]

    def _require_modern_tls(self) -> None:
        api = cast("apigateway.CfnRestApi", self.node.default_child)
        api.security_policy = TLS_POLICY
        api.endpoint_access_mode = "BASIC"
