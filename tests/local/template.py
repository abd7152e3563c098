"""A small template with every resource type of the product's, and functions that show what they were given."""

import json
from typing import Any

STAGE = "local"
AUTHORIZER = """
import time
class Broken(Exception):
    pass
def handler(event, context):
    mode = event["headers"].get("x-mode", "allow")
    if mode == "raise":
        raise Broken("a secret of the implementation")
    if mode == "unauthorized":
        raise Exception("Unauthorized")
    if mode == "slow":
        time.sleep(5)
    effect = "Deny" if mode == "deny" else "Allow"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    import json
    seen = json.dumps({k: event.get(k) for k in ("requestContext", "headers", "multiValueHeaders",
        "queryStringParameters", "multiValueQueryStringParameters", "path")})
    return {"principalId": "me", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": {"code": "nonce_replayed", "detail": "Use a new nonce.", "seen": seen, "number": 7}}
"""
ECHO = """
import json, os, sys, time
print("import time line")
def handler(event, context):
    headers = event.get("headers") or {}
    if headers.get("x-mode2") == "fail":
        raise ValueError("an internal detail")
    if headers.get("x-mode2") == "nonsense":
        return "nonsense"
    if headers.get("x-mode2") == "sleep":
        time.sleep(0.3)
    print("handling", context.aws_request_id)
    body = {"event": event, "environ": dict(os.environ), "path": sys.path, "pid": os.getpid(),
            "modules": sorted(sys.modules), "left": context.get_remaining_time_in_millis()}
    return {"statusCode": 200, "headers": {"X-Answer": "yes"}, "body": json.dumps(body)}
"""
TRIVIAL = """
def handler(event, context):
    return {"statusCode": 200, "body": "{}"}
"""
ENRICH = """
def handler(records, context):
    out = []
    for record in records:
        image = record["dynamodb"]["NewImage"]
        if image["type"]["S"] == "poison":
            raise ValueError("cannot enrich")
        out.append({"id": image["pk"]["S"], "type": image["type"]["S"]})
    return out
"""
Resources = dict[str, Any]
_AGENT_RESPONSES = [
    "AccessDenied",
    "AuthorizerFailure",
    "MissingAuthenticationToken",
    "WafFiltered",
    "Default4xx",
    "Default5xx",
]
"""A deployment takes a copy of the gateway responses, so it must come after them, as on AWS."""


def template() -> str:
    """The template as JSON text."""
    resources = {**_tables(), **_functions(), **_agent_api(), **_operator_api(), **_firewall(), **_outbox()}
    outputs = {
        "AgentApiId": {"Ref": "AgentApi"},
        "OperatorApiId": {"Ref": "OperatorApi"},
        "Core": {"Ref": "Core"},
        "Nonces": {"Ref": "Nonces"},
        "Blocked": {"Ref": "Blocked"},
        "Dead": {"Ref": "Dead"},
        "Received": {"Ref": "Received"},
        "Seen": {"Ref": "Seen"},
        "Key": {"Ref": "Key"},
        "Bucket": {"Ref": "Bucket"},
        "EchoName": {"Ref": "Echo"},
        "ReaderRole": {"Fn::GetAtt": ["Reader", "Arn"]},
        "Pipe": {"Ref": "Pipe"},
    }
    return json.dumps({"Resources": resources, "Outputs": {key: {"Value": value} for key, value in outputs.items()}})


def _tables() -> Resources:
    key = [{"AttributeName": "pk", "KeyType": "HASH"}]
    attributes = [{"AttributeName": "pk", "AttributeType": "S"}]
    core = {
        "KeySchema": key,
        "AttributeDefinitions": attributes,
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "DeletionProtectionEnabled": True,
    }
    nonces = {
        "KeySchema": key,
        "AttributeDefinitions": attributes,
        "BillingMode": "PAY_PER_REQUEST",
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
    }
    policies = {
        "VersioningConfiguration": {"Status": "Enabled"},
        "PublicAccessBlockConfiguration": dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
        ),
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    }
    mac = {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC", "KeyPolicy": _policy(["kms:*"], ["*"])}
    return {
        "Core": {"Type": "AWS::DynamoDB::Table", "Properties": core},
        "Nonces": {"Type": "AWS::DynamoDB::Table", "Properties": nonces},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": policies},
        "Key": {"Type": "AWS::KMS::Key", "Properties": mac},
    }


def _functions() -> Resources:
    core = {"Fn::GetAtt": ["Core", "Arn"]}
    keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["AGENT#*"]}}
    items = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"]
    return {
        "Reader": _role("lambda.amazonaws.com", _policy(items, [core], keys)),
        "PlainRole": _role("lambda.amazonaws.com", _policy(["logs:PutLogEvents"], ["*"])),
        "Verdict": _function(AUTHORIZER, timeout=2),
        "Echo": _function(ECHO),
        "Trivial": _function(TRIVIAL),
        "Enrich": _function(ENRICH),
    }


def _agent_api() -> Resources:
    api = {"Ref": "AgentApi"}
    authorizer = {
        "RestApiId": api,
        "Name": "verdict",
        "Type": "REQUEST",
        "AuthorizerResultTtlInSeconds": 0,
        "AuthorizerUri": _invocation("Verdict"),
    }
    custom = {"AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": "Authorizer"}}
    denied = (
        '{"code":"$context.authorizer.code","detail":"$context.authorizer.detail","request_id":"$context.requestId"}'
    )
    return {
        "AgentApi": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "agent"}},
        "Authorizer": {"Type": "AWS::ApiGateway::Authorizer", "Properties": authorizer},
        **_route("AgentApi", "Echoes", "echo", "Echo", custom, "ANY"),
        **_route("AgentApi", "Trivials", "trivial", "Trivial", custom, "GET"),
        **_response(api, "ACCESS_DENIED", 401, denied),
        **_response(api, "AUTHORIZER_FAILURE", 503, '{"code":"dependency_unavailable"}', {"Retry-After": "'2'"}),
        **_response(
            api, "MISSING_AUTHENTICATION_TOKEN", 404, '{"code":"not_found","from":"$context.identity.sourceIp"}'
        ),
        **_response(api, "WAF_FILTERED", 403, '{"code":"blocked","request_id":"$context.requestId"}'),
        **_response(api, "DEFAULT_4XX", None, '{"code":"default_4xx"}'),
        **_response(api, "DEFAULT_5XX", None, '{"code":"default_5xx"}'),
        **_stage("AgentApi", ["EchoesMethod", "TrivialsMethod"], _AGENT_RESPONSES),
    }


def _operator_api() -> Resources:
    api = {"Ref": "OperatorApi"}
    iam = {"AuthorizationType": "AWS_IAM"}
    return {
        "OperatorApi": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "operator"}},
        **_route("OperatorApi", "Agents", "agents", "Echo", iam, "ANY"),
        **_response(api, "ACCESS_DENIED", 403, '{"code":"forbidden"}', name="OperatorDenied"),
        **_response(api, "INVALID_SIGNATURE", 403, '{"code":"bad_signature"}', name="OperatorSignature"),
        **_stage("OperatorApi", ["AgentsMethod"], ["OperatorDenied", "OperatorSignature"]),
    }


def _firewall() -> Resources:
    none = [{"Priority": 0, "Type": "NONE"}]
    oversize = {"ComparisonOperator": "GT", "Size": 16384, "FieldToMatch": {"Body": {"OversizeHandling": "MATCH"}}}
    flood = {
        "AggregateKeyType": "CUSTOM_KEYS",
        "CustomKeys": [{"IP": {}}, {"Header": {"Name": "X-API-Key", "TextTransformations": none}}],
        "Limit": 10,
        "EvaluationWindowSec": 60,
    }
    acl = {
        "Scope": "REGIONAL",
        "DefaultAction": {"Allow": {}},
        "VisibilityConfig": _visible("acl"),
        "Rules": [
            _rule(0, "Blocked", {"IPSetReferenceStatement": {"Arn": {"Fn::GetAtt": ["Blocked", "Arn"]}}}),
            _rule(1, "Oversize", {"SizeConstraintStatement": {**oversize, "TextTransformations": none}}),
            _rule(2, "PerKey", {"RateBasedStatement": flood}),
        ],
    }
    addresses = {"Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": ["203.0.113.9/32"]}
    arn = {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}::/restapis/${AgentApi}/stages/" + STAGE}
    association = {"ResourceArn": arn, "WebACLArn": {"Fn::GetAtt": ["Acl", "Arn"]}}
    return {
        "Blocked": {"Type": "AWS::WAFv2::IPSet", "Properties": addresses},
        "Acl": {"Type": "AWS::WAFv2::WebACL", "Properties": acl},
        "Association": {
            "Type": "AWS::WAFv2::WebACLAssociation",
            "Properties": association,
            "DependsOn": ["AgentApiStage"],
        },
    }


def _outbox() -> Resources:
    stream, dead = {"Fn::GetAtt": ["Core", "StreamArn"]}, {"Fn::GetAtt": ["Dead", "Arn"]}
    bus, enrich = {"Fn::GetAtt": ["Bus", "Arn"]}, {"Fn::GetAtt": ["Enrich", "Arn"]}
    pattern = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"type": {"S": [{"exists": True}]}}}}
    source = {
        "FilterCriteria": {"Filters": [{"Pattern": json.dumps(pattern)}]},
        "DynamoDBStreamParameters": {
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": 10,
            "MaximumRetryAttempts": 2,
            "OnPartialBatchItemFailure": "AUTOMATIC_BISECT",
            "DeadLetterConfig": {"Arn": dead},
        },
    }
    bus_target = {"EventBridgeEventBusParameters": {"DetailType": "$.type", "Source": "portcullis"}}
    grants = _policy(
        ["dynamodb:GetRecords", "lambda:InvokeFunction", "events:PutEvents", "sqs:SendMessage"],
        [stream, enrich, bus, dead],
    )
    rule = {
        "EventBusName": {"Ref": "Bus"},
        "EventPattern": {"source": ["portcullis"]},
        "Targets": [
            {"Id": "queue", "Arn": {"Fn::GetAtt": ["Received", "Arn"]}},
            {"Id": "log", "Arn": {"Fn::GetAtt": ["Seen", "Arn"]}},
        ],
    }
    pipe = {
        "RoleArn": {"Fn::GetAtt": ["PipeRole", "Arn"]},
        "Source": stream,
        "SourceParameters": source,
        "Enrichment": enrich,
        "Target": bus,
        "TargetParameters": bus_target,
    }
    return {
        "Dead": {"Type": "AWS::SQS::Queue"},
        "Received": {"Type": "AWS::SQS::Queue"},
        "Seen": {"Type": "AWS::Logs::LogGroup"},
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "portcullis-try"}},
        "Rule": {"Type": "AWS::Events::Rule", "Properties": rule},
        "PipeRole": _role("pipes.amazonaws.com", grants),
        "Pipe": {"Type": "AWS::Pipes::Pipe", "Properties": pipe},
    }


def _policy(actions: list[str], resources: list[Any], condition: Any = None) -> Resources:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition} if condition else statement]}


def _role(service: str, policy: Resources) -> Resources:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service, "AWS": "*"}}
    properties = {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "Policies": [{"PolicyName": "p", "PolicyDocument": policy}],
    }
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _function(code: str, timeout: int = 10) -> Resources:
    properties = {
        "Code": {"ZipFile": code},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Timeout": timeout,
        "Role": {"Fn::GetAtt": ["PlainRole", "Arn"]},
        "Environment": {"Variables": {"PORTCULLIS_STAGE": STAGE}},
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def _invocation(function: str) -> Resources:
    prefix = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
    return {"Fn::Sub": prefix + "${" + function + ".Arn}/invocations"}


def _route(api: str, name: str, path: str, function: str, auth: Resources, verb: str) -> Resources:
    resource = {"RestApiId": {"Ref": api}, "ParentId": {"Fn::GetAtt": [api, "RootResourceId"]}, "PathPart": path}
    integration = {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": _invocation(function)}
    method = {"RestApiId": {"Ref": api}, "ResourceId": {"Ref": name}, "HttpMethod": verb, "Integration": integration}
    return {
        name: {"Type": "AWS::ApiGateway::Resource", "Properties": resource},
        f"{name}Method": {"Type": "AWS::ApiGateway::Method", "Properties": {**method, **auth}},
    }


def _response(
    api: Any, kind: str, status: int | None, body: str, headers: dict[str, str] | None = None, name: str = ""
) -> Resources:
    shown = {"Content-Type": "'application/problem+json'", "X-Code": "context.authorizer.code", **(headers or {})}
    properties = {
        "RestApiId": api,
        "ResponseType": kind,
        "ResponseTemplates": {"application/json": body},
        "ResponseParameters": {f"gatewayresponse.header.{key}": value for key, value in shown.items()},
    }
    if status is not None:
        properties["StatusCode"] = str(status)
    logical = name or "".join(part.capitalize() for part in kind.split("_"))
    return {logical: {"Type": "AWS::ApiGateway::GatewayResponse", "Properties": properties}}


def _stage(api: str, methods: list[str], responses: list[str]) -> Resources:
    ref = {"Ref": api}
    stage = {"RestApiId": ref, "DeploymentId": {"Ref": f"{api}Deployment"}, "StageName": STAGE}
    return {
        f"{api}Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": ref},
            "DependsOn": [*methods, *responses],
        },
        f"{api}Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": stage},
    }


def _visible(name: str) -> Resources:
    return {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": name}


def _rule(priority: int, name: str, statement: Resources) -> Resources:
    block: Resources = {"Block": {}}
    return {
        "Name": name,
        "Priority": priority,
        "Statement": statement,
        "Action": block,
        "VisibilityConfig": _visible(name),
    }
