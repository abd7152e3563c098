"""The pieces of which the small template is made."""

from typing import Any

STAGE = "local"
Resources = dict[str, Any]


def policy(actions: list[str], resources: list[Any], condition: Any = None) -> Resources:
    """A policy document with one statement."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition} if condition else statement]}


def role(service: str, grants: Resources) -> Resources:
    """A role that one service, and for the tests anybody, may assume."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service, "AWS": "*"}}
    properties = {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "Policies": [{"PolicyName": "p", "PolicyDocument": grants}],
    }
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def function(code: str, timeout: int = 10) -> Resources:
    """An inline Python function."""
    properties = {
        "Code": {"ZipFile": code},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Timeout": timeout,
        "Role": {"Fn::GetAtt": ["PlainRole", "Arn"]},
        "Environment": {"Variables": {"PORTCULLIS_STAGE": STAGE}},
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def invocation(target: str) -> Resources:
    """The URI by which API Gateway invokes a function."""
    prefix = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
    return {"Fn::Sub": prefix + "${" + target + ".Arn}/invocations"}


def route(api: str, name: str, path: str, target: str, auth: Resources, verb: str) -> Resources:
    """A resource below the root with one method."""
    resource = {"RestApiId": {"Ref": api}, "ParentId": {"Fn::GetAtt": [api, "RootResourceId"]}, "PathPart": path}
    integration = {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": invocation(target)}
    method = {"RestApiId": {"Ref": api}, "ResourceId": {"Ref": name}, "HttpMethod": verb, "Integration": integration}
    return {
        name: {"Type": "AWS::ApiGateway::Resource", "Properties": resource},
        f"{name}Method": {"Type": "AWS::ApiGateway::Method", "Properties": {**method, **auth}},
    }


def response(
    api: Any, kind: str, status: int | None, body: str, headers: dict[str, str] | None = None, name: str = ""
) -> Resources:
    """A gateway response as problem details."""
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


def stage(api: str, methods: list[str], responses: list[str]) -> Resources:
    """The deployment and the stage of an API."""
    ref = {"Ref": api}
    properties = {"RestApiId": ref, "DeploymentId": {"Ref": f"{api}Deployment"}, "StageName": STAGE}
    return {
        f"{api}Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": ref},
            "DependsOn": [*methods, *responses],
        },
        f"{api}Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": properties},
    }


def visible(name: str) -> Resources:
    """The metrics of a WAF rule."""
    return {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": name}


def rule(priority: int, name: str, statement: Resources) -> Resources:
    """A WAF rule that blocks."""
    block: Resources = {"Block": {}}
    return {
        "Name": name,
        "Priority": priority,
        "Statement": statement,
        "Action": block,
        "VisibilityConfig": visible(name),
    }


def permission(target: str, api: str) -> Resources:
    """What lets API Gateway invoke a function for one API."""
    source = {"Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${" + api + "}/*"}
    properties = {
        "FunctionName": {"Fn::GetAtt": [target, "Arn"]},
        "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": source,
    }
    return {f"{target}For{api}": {"Type": "AWS::Lambda::Permission", "Properties": properties}}
