"""Log groups that end."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.stages import Stage


class LogGroup(logs.LogGroup):
    """Kept for the stage's number of days, and after the stack is gone where the stage retains data."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, name: str | None = None) -> None:
        super().__init__(
            scope,
            id_,
            log_group_name=name,
            retention=logs.RetentionDays[_RETENTION[stage.log_days]],
            removal_policy=RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY,
        )


_RETENTION = {1: "ONE_DAY", 30: "ONE_MONTH", 365: "ONE_YEAR"}
