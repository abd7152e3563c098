"""The permissions of a state machine's role.

Symptoms mended: a state machine invokes functions that its role may not invoke; a function that is throttled fails as
`Lambda.Unknown`.
"""

from contextvars import ContextVar
from typing import Any

from local.emulator.hooks import module, replace
from local.emulator.service_role import NotPermitted, require

_role: ContextVar[str] = ContextVar("role")


def mend() -> None:
    states = module("services.stepfunctions")

    def task(original: Any) -> Any:
        def execute(state: Any, given: Any, execution: dict[str, Any], context: Any) -> Any:
            _role.set(states._state_machines[execution["stateMachineArn"]]["roleArn"])
            return original(state, given, execution, context)

        return execute

    def call(original: Any) -> Any:
        def invoke(function: str, event: Any) -> Any:
            try:
                require(_role.get(), "lambda:InvokeFunction", function, function.split(":")[3])
            except NotPermitted as refused:
                raise states._ExecutionError("Lambda.AWSLambdaException", str(refused)) from None
            try:
                return original(function, event)
            except states._ExecutionError as error:
                if "TooManyRequestsException" in error.cause:
                    error.error = "Lambda.TooManyRequestsException"
                raise

        return invoke

    replace(states, "_execute_task", task)
    replace(states, "_call_lambda", call)
