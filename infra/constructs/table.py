"""A DynamoDB table that is hard to lose."""

from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.stages import Stage


class Table(dynamodb.Table):
    """On demand, encrypted, with point-in-time recovery; kept and protected from deletion where the stage says so."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, recoverable: bool = True, **settings: Any) -> None:
        super().__init__(
            scope,
            id_,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.DEFAULT,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=recoverable
            ),
            deletion_protection=stage.retain,
            removal_policy=RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY,
            **settings,
        )
