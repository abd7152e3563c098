"""The steps of containment that concern keys and transactions, and what records the outcome of every step."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.alarms import alarm, own_metric
from infra.constructs.function import Function, allow, leading_keys
from infra.stacks.data import STATUS_INDEX, Data

SECONDS = 20
"""Of each attempt; a step that timed out is tried once more, so a step is over within a minute."""


def contain_keys(scope: Construct, data: Data) -> Function:
    """It ends keys, which needs no secret; what it puts are events of the agent's."""
    core = data.core.table_arn
    return _step(
        scope,
        "ContainKeys",
        data,
        "contain_keys",
        allow("dynamodb:GetItem", "dynamodb:UpdateItem", on=[core], when=leading_keys("AGENT#*", "KEY#*")),
        allow("dynamodb:PutItem", on=[core], when=leading_keys("AGENT#*")),
        allow("dynamodb:Query", on=[f"{core}/index/{STATUS_INDEX}"], when=leading_keys("ag_*#KEYS")),
    )


def contain_transactions(scope: Construct, data: Data) -> Function:
    """It moves transactions and gives back what they reserved; it makes none, and changes no state of an agent's."""
    core = data.core.table_arn
    return _step(
        scope,
        "ContainTransactions",
        data,
        "contain_transactions",
        allow("dynamodb:GetItem", "dynamodb:UpdateItem", on=[core], when=leading_keys("AGENT#*")),
        allow("dynamodb:Query", on=[f"{core}/index/{STATUS_INDEX}"], when=leading_keys("ag_*")),
    )


def incident_record(scope: Construct, data: Data) -> Function:
    """It writes incidents and their events, and nothing of what agents own."""
    function = Function(
        scope,
        "IncidentRecord",
        stage=data.stage,
        name="incident_record",
        may=[
            allow(
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                on=[data.core.table_arn],
                when=leading_keys("INCIDENT#*", "INCIDENTS#*"),
            )
        ],
        environment={"CORE_TABLE": data.core.table_name},
        memory_mb=256,
        timeout_seconds=SECONDS,
    )
    failed = own_metric("StepFailed", "Sum", Duration.minutes(1), Function="incident_record")
    alarm(function, "StepFailed", failed, "A step of a containment failed. The incident says why; resume it.")
    errors = function.metric_errors(period=Duration.minutes(1))
    alarm(function, "Errors", errors, "A step's outcome could not be recorded. It is tried again, then outstanding.")
    return function


def _step(scope: Construct, id_: str, data: Data, name: str, *may: iam.PolicyStatement) -> Function:
    core = data.core.table_arn
    read_incident = allow("dynamodb:GetItem", on=[core], when=leading_keys("INCIDENT#*", "INCIDENTS#*"))
    return Function(
        scope,
        id_,
        stage=data.stage,
        name=name,
        may=[read_incident, *may],
        environment={"CORE_TABLE": data.core.table_name},
        memory_mb=512,
        timeout_seconds=SECONDS,
    )
