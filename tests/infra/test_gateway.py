"""No request reaches a function without being proved, and every refusal has the promised form."""

import json
from typing import Any

import pytest

from infra.stacks.gateway import AGENT_KEY_ROUTES, AGENT_ROUTES, OPERATOR_ROUTES
from local.openapi.agent_api import AGENT_API
from local.openapi.operator_api import OPERATOR_API
from portcullis.domain.audit_tree import LARGEST_BATCH
from portcullis.protocol.problems import CONTENT_TYPE, PROBLEMS, SECURITY_HEADERS
from tests.infra.template import Template, text_of

APIS = ("Agent API", "Operator API")


@pytest.fixture(params=APIS)
def responses(request: pytest.FixtureRequest, gateway: Template) -> dict[str, dict[str, Any]]:
    return gateway.responses_of(gateway.api(request.param))


def body_of(response: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(response["ResponseTemplates"]["application/json"])
    return body


def headers_of(response: dict[str, Any]) -> dict[str, str]:
    """Header -> value; API Gateway wants a static value between single quotes."""
    prefix = "gatewayresponse.header."
    return {name.removeprefix(prefix): value[1:-1] for name, value in response["ResponseParameters"].items()}


def test_a_verdict_is_never_cached_and_never_pre_empted(gateway: Template) -> None:
    authorizer = gateway.only("AWS::ApiGateway::Authorizer")
    assert authorizer["Type"] == "REQUEST"
    assert authorizer["AuthorizerResultTtlInSeconds"] == 0
    assert not authorizer.get("IdentitySource")


def test_every_agent_method_goes_through_the_authorizer(gateway: Template) -> None:
    (authorizer,) = gateway.resources("AWS::ApiGateway::Authorizer")
    methods = gateway.methods_of(gateway.api("Agent API"))
    assert len(methods) == len(AGENT_ROUTES + AGENT_KEY_ROUTES)
    for method in methods:
        assert method["AuthorizationType"] == "CUSTOM"
        assert method["AuthorizerId"] == {"Ref": authorizer}


def test_every_operator_method_requires_iam(gateway: Template) -> None:
    methods = gateway.methods_of(gateway.api("Operator API"))
    assert len(methods) == len(OPERATOR_ROUTES)
    assert {method["AuthorizationType"] for method in methods} == {"AWS_IAM"}


def test_no_method_takes_what_is_not_listed(gateway: Template) -> None:
    paths = {resource["PathPart"] for resource in gateway.properties("AWS::ApiGateway::Resource").values()}
    methods = {method["HttpMethod"] for method in gateway.properties("AWS::ApiGateway::Method").values()}
    assert not [path for path in paths if path.endswith("+}")]
    assert methods == {"GET", "POST", "PUT", "DELETE"}


def test_every_refusal_is_a_problem_with_security_headers(responses: dict[str, dict[str, Any]]) -> None:
    for response in responses.values():
        body = body_of(response)
        assert body["status"] == int(response["StatusCode"])
        assert body["request_id"] == "$context.requestId"
        assert body["type"].endswith(body["code"])
        assert headers_of(response).items() >= {**SECURITY_HEADERS, "Content-Type": CONTENT_TYPE}.items()


def test_every_static_refusal_has_a_code_of_the_table_with_its_status(responses: dict[str, dict[str, Any]]) -> None:
    static = [body for body in map(body_of, responses.values()) if not body["code"].startswith("$context.")]
    assert static
    for body in static:
        assert body["status"] == PROBLEMS[body["code"]].status


def test_a_refusal_that_may_pass_says_when_to_come_back(responses: dict[str, dict[str, Any]]) -> None:
    for response in responses.values():
        assert ("Retry-After" in headers_of(response)) == (response["StatusCode"] in {"429", "503"})


@pytest.mark.parametrize(
    ("type_", "status", "code"),
    [
        ("ACCESS_DENIED", 401, "$context.authorizer.code"),
        ("UNAUTHORIZED", 401, "missing_credentials"),
        ("AUTHORIZER_FAILURE", 503, "dependency_unavailable"),
        ("AUTHORIZER_CONFIGURATION_ERROR", 503, "dependency_unavailable"),
        ("INTEGRATION_FAILURE", 503, "dependency_unavailable"),
        ("INTEGRATION_TIMEOUT", 503, "dependency_unavailable"),
        ("WAF_FILTERED", 403, "blocked"),
        ("THROTTLED", 429, "rate_limited"),
        ("REQUEST_TOO_LARGE", 413, "too_large"),
        ("MISSING_AUTHENTICATION_TOKEN", 404, "not_found"),
        ("DEFAULT_4XX", 400, "malformed_request"),
        ("DEFAULT_5XX", 503, "dependency_unavailable"),
    ],
)
def test_an_agent_is_told_why(gateway: Template, type_: str, status: int, code: str) -> None:
    body = body_of(gateway.responses_of(gateway.api("Agent API"))[type_])
    assert (body["status"], body["code"]) == (status, code)


def test_an_operator_without_credentials_learns_nothing_of_the_routes(gateway: Template) -> None:
    responses = gateway.responses_of(gateway.api("Operator API"))
    unsigned = ("MISSING_AUTHENTICATION_TOKEN", "ACCESS_DENIED", "INVALID_SIGNATURE", "EXPIRED_TOKEN", "UNAUTHORIZED")
    assert {text_of(body_of(responses[type_])) for type_ in unsigned} == {text_of(body_of(responses["ACCESS_DENIED"]))}
    assert body_of(responses["ACCESS_DENIED"])["code"] == "forbidden"


def test_connections_older_than_tls_1_2_are_refused(gateway: Template) -> None:
    for api in gateway.properties("AWS::ApiGateway::RestApi").values():
        assert api["EndpointConfiguration"]["Types"] == ["REGIONAL"]
        assert api["SecurityPolicy"].startswith("SecurityPolicy_TLS13_1_2_PFS")


def test_stages_log_accesses_without_any_header_and_are_throttled(gateway: Template, stage_name: str) -> None:
    for stage in gateway.properties("AWS::ApiGateway::Stage").values():
        (method,) = stage["MethodSettings"]
        assert stage["StageName"] == stage_name
        assert "header" not in stage["AccessLogSetting"]["Format"].lower()
        assert method["ThrottlingRateLimit"] > 0
        assert method["DataTraceEnabled"] is False


def test_a_country_is_believed_of_no_header_that_a_caller_could_choose(gateway: Template, stage_name: str) -> None:
    """No stage on AWS has a proxy that overwrites one; on this machine a test is to choose it."""
    believed = {
        properties["Environment"]["Variables"].get("COUNTRY_HEADER")
        for properties in gateway.properties("AWS::Lambda::Function").values()
        if "Environment" in properties
    }
    assert believed == ({None, "CloudFront-Viewer-Country"} if stage_name == "local" else {None})


def test_the_outbox_starts_at_the_first_record_and_keeps_what_it_cannot_deliver(gateway: Template) -> None:
    source = gateway.only("AWS::Pipes::Pipe")["SourceParameters"]["DynamoDBStreamParameters"]
    assert source["StartingPosition"] == "TRIM_HORIZON"
    assert source["MaximumRetryAttempts"] == -1
    assert source["MaximumRecordAgeInSeconds"] == 23 * 3600
    assert source["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] in gateway.resources("AWS::SQS::Queue")


def test_every_queue_is_encrypted_and_takes_messages_over_tls_alone(gateway: Template) -> None:
    queues = gateway.properties("AWS::SQS::Queue")
    policies = gateway.properties("AWS::SQS::QueuePolicy")
    guarded = {text_of(policy["Queues"]) for policy in policies.values() if "aws:SecureTransport" in text_of(policy)}
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())
    assert {text_of([{"Ref": name}]) for name in queues} == guarded


def test_a_queue_that_a_function_reads_gives_up_to_dead_letters(gateway: Template) -> None:
    attempts = {}
    for source in gateway.properties("AWS::Lambda::EventSourceMapping").values():
        queue = gateway.properties("AWS::SQS::Queue")[source["EventSourceArn"]["Fn::GetAtt"][0]]
        attempts[source["FunctionName"]["Ref"][:-8]] = queue["RedrivePolicy"]["maxReceiveCount"]
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert attempts == {"PriceFeed": 5, "AuditWriter": 100}


def test_the_audit_writer_is_handed_many_events_at_once_and_soon(gateway: Template) -> None:
    sources = gateway.properties("AWS::Lambda::EventSourceMapping").values()
    (source,) = (each for each in sources if each["FunctionName"]["Ref"].startswith("AuditWriter"))
    assert (source["BatchSize"], source["MaximumBatchingWindowInSeconds"]) == (LARGEST_BATCH, 3)


def test_the_openapi_documents_describe_every_route() -> None:
    described = {
        api.title: sorted(f"{operation.method} {operation.path}" for operation in api.operations)
        for api in (AGENT_API, OPERATOR_API)
    }
    deployed = {
        "Portcullis agent API": sorted(AGENT_ROUTES + AGENT_KEY_ROUTES),
        "Portcullis operator API": sorted(OPERATOR_ROUTES),
    }
    assert described == deployed
