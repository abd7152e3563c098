"""The role for the day on which a locked bucket's settings have to change."""

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.locked_bucket import SETTINGS, LockedBucket
from infra.stages import Stage


class BreakGlass(iam.Role):
    """May change settings of locked buckets, and neither delete nor write; assumed with a second factor only."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(
            scope,
            id_,
            role_name=break_glass_name(stage),
            description="Changes settings of locked buckets. It can neither delete nor write what is in them.",
            assumed_by=iam.PrincipalWithConditions(
                iam.AccountPrincipal(Aws.ACCOUNT_ID), {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
            ),
            max_session_duration=Duration.hours(1),
        )

    def allow_settings_of(self, bucket: LockedBucket) -> None:
        """The one thing that it is for."""
        self.add_to_policy(iam.PolicyStatement(actions=list(SETTINGS), resources=[bucket.bucket_arn]))


def break_glass_name(stage: Stage) -> str:
    """The role's name, which the buckets' policies spare."""
    return f"{stage.prefix}-audit-break-glass"
