"""What contains agents on what the bus tells. It alone may start the state machine of a containment."""

from aws_cdk import Duration
from aws_cdk.aws_stepfunctions import IStateMachine
from constructs import Construct

from infra.constructs.alarms import alarm, own_metric
from infra.constructs.bus_queue import BusQueue
from infra.constructs.function import Function, allow, leading_keys
from infra.constructs.telling import FINDINGS, SOURCE
from infra.stacks.data import Data
from infra.stages import Stage

TYPES = (*FINDINGS, "incident.opened", "incident.resumed")
TRIGGER_SOURCE, TRIGGER_TYPE = f"{SOURCE}.trigger", "incident.requested"
"""Whoever may put such an event on the bus may stop every agent."""


def incidents(scope: Construct, data: Data, machine: IStateMachine) -> Function:
    """Fed from the bus by two queues, so that a flood in one does not hold up the other."""
    own = BusQueue(scope, "IncidentEvents", bus=data.bus, pattern={"source": [SOURCE], "detail-type": list(TYPES)})
    asked = {"source": [TRIGGER_SOURCE], "detail-type": [TRIGGER_TYPE]}
    requests = BusQueue(scope, "IncidentRequests", bus=data.bus, pattern=asked)
    core = data.core.table_arn
    function = Function(
        scope,
        "Incidents",
        stage=data.stage,
        name="incidents",
        may=[
            own.consume,
            requests.consume,
            allow(
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                on=[core],
                when=leading_keys("AGENT#*", "INCIDENT#*", "INCIDENTS#*"),
            ),
            allow("dynamodb:GetItem", on=[core], when=leading_keys("FINDINGS#*")),
            allow("dynamodb:Query", on=[core], when=leading_keys("INCIDENTS#*")),
            allow("states:StartExecution", on=[machine.state_machine_arn]),
        ],
        environment={
            "CORE_TABLE": data.core.table_name,
            "STATE_MACHINE_ARN": machine.state_machine_arn,
            "RESPONSES": responses_setting(data.stage),
        },
        memory_mb=512,
        timeout_seconds=60,
    )
    own.feed(function)
    requests.feed(function, "RequestsSource")
    _watch(function)
    return function


def responses_setting(stage: Stage) -> str:
    """What a finding does to an agent of each trust level: ``low=contain:8 medium=notify …``."""
    return " ".join(f"{level}={setting}" for level, setting in stage.responses.items())


def _watch(function: Function) -> None:
    for id_, metric, description in (
        ("Rejected", "EventRejected", "An event that concerns incidents is not of its form: it stopped nobody."),
        ("Fault", "Fault", "An agent could not be contained, or its steps not be started. It is tried again."),
    ):
        alarm(function, id_, own_metric(metric, "Sum", Duration.minutes(1), Function="incidents"), description)
