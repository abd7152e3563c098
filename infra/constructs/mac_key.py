"""The KMS key from which every agent's secret is derived."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.stages import Stage


class MacKey(kms.Key):
    """HMAC-SHA256, never to leave KMS. Losing it invalidates every agent's keys, hence the longest waiting time."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(
            scope,
            id_,
            description=f"Portcullis {stage.name}: root of the agents' secrets",
            key_spec=kms.KeySpec.HMAC_256,
            key_usage=kms.KeyUsage.GENERATE_VERIFY_MAC,
            pending_window=Duration.days(30),
            removal_policy=RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY,
        )
