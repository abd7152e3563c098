"""A function that is started again and again."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct


class Schedule(events.Rule):
    """Starts ``function`` ``every`` so often, and permits nobody else to. A run that is missed is not made up for."""

    def __init__(self, scope: Construct, id_: str, *, function: lambda_.IFunction, every: Duration) -> None:
        super().__init__(scope, id_, schedule=events.Schedule.rate(every))
        self.add_target(targets.LambdaFunction(function, retry_attempts=0))
