"""A small template with every resource type of the product's, and functions that show what they were given."""

import json

from tests.local.template_code import AUTHORIZER, ECHO, ENRICH, TRIVIAL
from tests.local.template_parts import (
    STAGE,
    Resources,
    function,
    invocation,
    permission,
    policy,
    response,
    role,
    route,
    rule,
    stage,
    visible,
)

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
    resources = {
        **_tables(),
        **_functions(),
        **_agent_api(),
        **_operator_api(),
        **_firewall(),
        **_outbox(),
        **_states(),
    }
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
        "Locked": {"Ref": "Locked"},
        "EchoName": {"Ref": "Echo"},
        "TellerRole": {"Fn::GetAtt": ["Teller", "Arn"]},
        "ReaderRole": {"Fn::GetAtt": ["Reader", "Arn"]},
        "Pipe": {"Ref": "Pipe"},
        "Machine": {"Ref": "Machine"},
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
    retention = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": retention}
    locked = {"ObjectLockEnabled": True, "ObjectLockConfiguration": lock}
    mac = {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC", "KeyPolicy": policy(["kms:*"], ["*"])}
    return {
        "Core": {"Type": "AWS::DynamoDB::Table", "Properties": core},
        "Nonces": {"Type": "AWS::DynamoDB::Table", "Properties": nonces},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": policies},
        "Locked": {"Type": "AWS::S3::Bucket", "Properties": locked},
        "Key": {"Type": "AWS::KMS::Key", "Properties": mac},
    }


def _functions() -> Resources:
    core = {"Fn::GetAtt": ["Core", "Arn"]}
    keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["AGENT#*"]}}
    items = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"]
    return {
        "Reader": role("lambda.amazonaws.com", policy(items, [core], keys)),
        "PlainRole": role("lambda.amazonaws.com", policy(["logs:PutLogEvents"], ["*"])),
        "Verdict": function(AUTHORIZER, timeout=2),
        "Echo": function(ECHO),
        "Trivial": function(TRIVIAL),
        "Closed": function(TRIVIAL),
        **permission("Verdict", "AgentApi"),
        **permission("Echo", "AgentApi"),
        **permission("Echo", "OperatorApi"),
        **permission("Trivial", "AgentApi"),
        "Enrich": function(ENRICH),
    }


def _agent_api() -> Resources:
    api = {"Ref": "AgentApi"}
    authorizer = {
        "RestApiId": api,
        "Name": "verdict",
        "Type": "REQUEST",
        "AuthorizerResultTtlInSeconds": 0,
        "AuthorizerUri": invocation("Verdict"),
    }
    custom = {"AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": "Authorizer"}}
    denied = (
        '{"code":"$context.authorizer.code","detail":"$context.authorizer.detail","request_id":"$context.requestId"}'
    )
    return {
        "AgentApi": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "agent"}},
        "Authorizer": {"Type": "AWS::ApiGateway::Authorizer", "Properties": authorizer},
        **route("AgentApi", "Echoes", "echo", "Echo", custom, "ANY"),
        **route("AgentApi", "Trivials", "trivial", "Trivial", custom, "GET"),
        **route("AgentApi", "Closeds", "closed", "Closed", custom, "GET"),
        **response(api, "ACCESS_DENIED", 401, denied),
        **response(api, "AUTHORIZER_FAILURE", 503, '{"code":"dependency_unavailable"}', {"Retry-After": "'2'"}),
        **response(
            api, "MISSING_AUTHENTICATION_TOKEN", 404, '{"code":"not_found","from":"$context.identity.sourceIp"}'
        ),
        **response(api, "WAF_FILTERED", 403, '{"code":"blocked","request_id":"$context.requestId"}'),
        **response(api, "DEFAULT_4XX", None, '{"code":"default_4xx"}'),
        **response(api, "DEFAULT_5XX", None, '{"code":"default_5xx"}'),
        **stage("AgentApi", ["EchoesMethod", "TrivialsMethod", "ClosedsMethod"], _AGENT_RESPONSES),
    }


def _operator_api() -> Resources:
    api = {"Ref": "OperatorApi"}
    iam = {"AuthorizationType": "AWS_IAM"}
    return {
        "OperatorApi": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "operator"}},
        **route("OperatorApi", "Agents", "agents", "Echo", iam, "ANY"),
        **response(api, "ACCESS_DENIED", 403, '{"code":"forbidden"}', name="OperatorDenied"),
        **response(api, "INVALID_SIGNATURE", 403, '{"code":"bad_signature"}', name="OperatorSignature"),
        **stage("OperatorApi", ["AgentsMethod"], ["OperatorDenied", "OperatorSignature"]),
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
        "VisibilityConfig": visible("acl"),
        "Rules": [
            rule(0, "Blocked", {"IPSetReferenceStatement": {"Arn": {"Fn::GetAtt": ["Blocked", "Arn"]}}}),
            rule(1, "Oversize", {"SizeConstraintStatement": {**oversize, "TextTransformations": none}}),
            rule(2, "PerKey", {"RateBasedStatement": flood}),
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
    own_source = {"ForAllValues:StringEquals": {"events:source": ["own"]}, "Null": {"events:source": "false"}}
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
    grants = policy(
        ["dynamodb:GetRecords", "lambda:InvokeFunction", "events:PutEvents", "sqs:SendMessage"],
        [stream, enrich, bus, dead],
    )
    to_targets = {
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
        "Rule": {"Type": "AWS::Events::Rule", "Properties": to_targets},
        "Teller": role("lambda.amazonaws.com", policy(["events:PutEvents"], [bus], own_source)),
        "PipeRole": role("pipes.amazonaws.com", grants),
        "Pipe": {"Type": "AWS::Pipes::Pipe", "Properties": pipe},
    }


def _states() -> Resources:
    """A state machine that invokes two functions, of which its role may invoke the first."""
    allowed, refused = {"Fn::GetAtt": ["Trivial", "Arn"]}, {"Fn::GetAtt": ["Echo", "Arn"]}
    caught = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "over"}]
    states = {
        "allowed": {
            "Type": "Task",
            "Resource": "${allowed}",
            "ResultPath": "$.result",
            "Next": "refused",
            "Catch": caught,
        },
        "refused": {"Type": "Task", "Resource": "${refused}", "Next": "over", "Catch": caught},
        "over": {"Type": "Succeed"},
    }
    properties = {
        "DefinitionString": json.dumps({"StartAt": "allowed", "States": states}),
        "DefinitionSubstitutions": {"allowed": allowed, "refused": refused},
        "RoleArn": {"Fn::GetAtt": ["MachineRole", "Arn"]},
    }
    return {
        "MachineRole": role("states.amazonaws.com", policy(["lambda:InvokeFunction"], [allowed])),
        "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties},
    }
