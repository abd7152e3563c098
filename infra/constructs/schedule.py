"""A function that is started again and again."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.alarms import alarm


class Schedule(events.Rule):
    """Starts ``function`` ``every`` so often, and permits nobody else to. A run that is missed is not made up for; one
    that fails is an alarm."""

    def __init__(self, scope: Construct, id_: str, *, function: lambda_.IFunction, every: Duration) -> None:
        super().__init__(scope, id_, schedule=events.Schedule.rate(every))
        self.add_target(targets.LambdaFunction(function, retry_attempts=0))
        errors = function.metric_errors(period=every)
        self.alarm = alarm(self, "Alarm", errors, "A scheduled function fails. Its log says why.")
