"""The census of keys: reads agents and their keys, and writes how many there are and nothing else."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs.alarms import alarm, own_metric
from infra.constructs.function import Function, allow, leading_keys
from infra.functions.rotation_settings import rotation_settings
from infra.stacks.data import STATUS_INDEX, Data


def key_census(scope: Construct, data: Data) -> Function:
    """Started by a schedule; a run that does not come to the end is taken up by the next."""
    core = data.core.table_arn
    function = Function(
        scope,
        "KeyCensus",
        stage=data.stage,
        name="key_census",
        may=[
            allow("dynamodb:BatchGetItem", on=[core], when=leading_keys("AGENT#*", "KEY#*")),
            allow("dynamodb:GetItem", "dynamodb:UpdateItem", on=[core], when=leading_keys("ROOT")),
            allow("dynamodb:Query", on=[f"{core}/index/{STATUS_INDEX}"], when=leading_keys("AGENTS")),
        ],
        environment={"CORE_TABLE": data.core.table_name, **rotation_settings(data.stage)},
        memory_mb=512,
        timeout_seconds=300,
    )
    for key_class in data.stage.rotation_days:
        _watch(function, key_class)
    return function


def _watch(function: Function, key_class: str) -> None:
    alarm(
        function,
        f"Overdue_{key_class}",
        own_metric("OverdueKeys", "Maximum", Duration.hours(1), Class=key_class),
        f"Keys are older than the class {key_class} allows. `portcullis rotate --class {key_class}`.",
        missing=cloudwatch.TreatMissingData.IGNORE,
    )
