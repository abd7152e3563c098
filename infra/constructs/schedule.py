"""A function that runs by the clock."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct


class Schedule(Construct):
    """Invokes ``function`` once in every period. Where it fails, Lambda tries twice more, and an alarm goes off."""

    def __init__(self, scope: Construct, id_: str, *, function: lambda_.IFunction, every: Duration) -> None:
        super().__init__(scope, id_)
        self.rule = events.Rule(
            self, "Rule", schedule=events.Schedule.rate(every), targets=[targets.LambdaFunction(function)]
        )
        self.alarm = function.metric_errors(period=every).create_alarm(
            self,
            "Alarm",
            alarm_description="A scheduled function fails. Its log says why.",
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
