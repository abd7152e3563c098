"""A state machine does what its role allows and sees why a function did not run."""

import json
from typing import Any

from tests.local.conftest import Deployed
from tests.local.waiting import until


def output(deployed: Deployed) -> Any:
    """What an execution comes to."""
    states = deployed.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=deployed.outputs["Machine"], input="{}")["executionArn"]
    until(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")
    return json.loads(states.describe_execution(executionArn=arn)["output"])


def test_a_function_that_its_role_may_not_invoke_is_an_error_that_can_be_caught(deployed: Deployed) -> None:
    ended = output(deployed)
    assert ended["result"] == {"statusCode": 200, "body": "{}"}
    assert ended["error"]["Error"] == "Lambda.AWSLambdaException"
    assert "is not allowed lambda:InvokeFunction on" in ended["error"]["Cause"]


def test_a_throttled_function_is_an_error_by_its_name(deployed: Deployed) -> None:
    lambdas = deployed.client("lambda")
    (name,) = (
        each["FunctionName"] for each in lambdas.list_functions()["Functions"] if "Trivial" in each["FunctionName"]
    )
    lambdas.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        assert output(deployed)["error"]["Error"] == "Lambda.TooManyRequestsException"
    finally:
        lambdas.delete_function_concurrency(FunctionName=name)
