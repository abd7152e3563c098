"""Alarms, and the metrics that the functions write themselves."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct


def own_metric(name: str, statistic: str, period: Duration, **dimensions: str) -> cloudwatch.Metric:
    """One that `aws/telemetry` writes."""
    return cloudwatch.Metric(
        namespace="Portcullis", metric_name=name, dimensions_map=dimensions, statistic=statistic, period=period
    )


def alarm(
    scope: Construct,
    id_: str,
    metric: cloudwatch.IMetric,
    description: str,
    *,
    threshold: float = 1,
    missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
) -> cloudwatch.Alarm:
    """Raised as soon as one period reaches ``threshold``."""
    return cloudwatch.Alarm(
        scope,
        id_,
        metric=metric,
        alarm_description=description,
        threshold=threshold,
        evaluation_periods=1,
        treat_missing_data=missing,
    )
