"""The state machine that contains: each step on a branch of its own, its outcome recorded, none in another's way.

A branch never fails: what its step raises in the end is recorded, and what cannot be recorded leaves the step
outstanding at the incident. The notice comes last, when there is something to tell.
"""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.constructs.alarms import alarm
from infra.constructs.function import Function, allow
from infra.constructs.nag import acknowledge
from infra.stages import Stage

LONGEST = Duration.minutes(30)
STEP_ATTEMPTS, RECORD_ATTEMPTS = 3, 8
POISON = ("KeyError", "TypeError", "ValueError", "TooMuch")
"""What another attempt would meet again."""
TIMED_OUT = ("States.Timeout", "Sandbox.Timedout")
WAIT_FOR_START_SECONDS = 5
"""That a function's process may take before its own time begins."""
KEPT = "Each outcome stands at the incident and in the audit log, and Step Functions keeps the history of each run."
State = dict[str, Any]
KEPT_NOWHERE = "$.over"
NOTHING_KEPT: State = {"ResultSelector": {}, "ResultPath": KEPT_NOWHERE}
"""What comes next gets what this got. A ``ResultPath`` of null says so too, but the CDK drops nulls."""


class Containment(Construct):
    """``steps`` by their names in an incident. Those that it names and this lacks stay outstanding."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        steps: Mapping[str, Function],
        record: Function,
        notice: Function | None = None,
    ) -> None:
        super().__init__(scope, id_)
        functions = [*steps.values(), record, *([notice] if notice else [])]
        own_account = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com", conditions=own_account))
        invoke = allow("lambda:InvokeFunction", on=[each.function_arn for each in functions])
        policy = iam.Policy(self, "Policy", roles=[role], statements=[invoke])
        definition = Stack.of(self).to_json_string(_definition(steps, record, notice))
        self.machine = sfn.StateMachine(
            self,
            "ContainAgent",
            definition_body=sfn.DefinitionBody.from_string(definition),
            role=role.without_policy_updates(),
            comment=f"Portcullis {stage.name}: what follows once an agent is suspended",
        )
        self.machine.node.add_dependency(policy)
        acknowledge(self.machine, "SF1", f"{KEPT} To log, the role would have to manage the account's logs.")
        acknowledge(self.machine, "SF2", f"{KEPT} Nothing calls on from there that a trace would show.")
        self._watch()

    def _watch(self) -> None:
        remedy = "Steps of a containment were left out. The agent is suspended all the same; resume the incident."
        alarm(self, "Failed", self.machine.metric_failed(), remedy)
        alarm(self, "TimedOut", self.machine.metric_timed_out(), remedy)


def _definition(steps: Mapping[str, Function], record: Function, notice: Function | None) -> State:
    branches = [_branch(name, function, record) for name, function in steps.items()]
    last = {"Next": "notice"} if notice else {"End": True}
    all_steps: State = {"Type": "Parallel", "Branches": branches, **NOTHING_KEPT, **last}
    states = {"steps": all_steps} | (_branch("notice", notice, record)["States"] if notice else {})
    return {"StartAt": "steps", "TimeoutSeconds": LONGEST.to_seconds(), "States": states}


def _branch(name: str, function: Function, record: Function) -> State:
    """The step, then its record: either leaves what it met at ``$.outcome``."""
    recording, over = f"record {name}", f"{name} is over"
    ids = {"incident.$": "$.incident", "agent.$": "$.agent", "step": name}
    step = _task(function, ids, recording) | {
        "ResultPath": "$.outcome.result",
        "Retry": [
            {"ErrorEquals": [*POISON], "MaxAttempts": 0},
            {"ErrorEquals": [*TIMED_OUT], "MaxAttempts": 1, "IntervalSeconds": 1},
            _retry(STEP_ATTEMPTS, most_seconds=5),
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.outcome.error", "Next": recording}],
    }
    recorded = _task(record, {**ids, "outcome.$": "$.outcome"}, over) | {
        **NOTHING_KEPT,
        "Retry": [_retry(RECORD_ATTEMPTS, most_seconds=10)],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": KEPT_NOWHERE, "Next": over}],
    }
    return {"StartAt": name, "States": {name: step, recording: recorded, over: {"Type": "Succeed"}}}


def _task(function: Function, given: State, following: str) -> State:
    longest = function.timeout.to_seconds() if function.timeout else WAIT_FOR_START_SECONDS
    return {
        "Type": "Task",
        "Resource": function.function_arn,
        "Parameters": given,
        "TimeoutSeconds": longest + WAIT_FOR_START_SECONDS,
        "Next": following,
    }


def _retry(attempts: int, *, most_seconds: int) -> State:
    return {
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": 1,
        "BackoffRate": 2,
        "MaxAttempts": attempts,
        "MaxDelaySeconds": most_seconds,
        "JitterStrategy": "FULL",
    }
