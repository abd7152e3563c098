"""The KMS key from which every agent's secret is derived."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.stages import Stage

DERIVING_FUNCTIONS = ("Authorizer", "AgentKeys", "KeyRotation", "OperatorFunction")


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
        self.add_to_resource_policy(_nobody_else(stage))


def _nobody_else(stage: Stage) -> iam.PolicyStatement:
    """Who may compute a MAC can derive every agent's secret, so even a role that IAM allows everything may not.

    The roles are named by how CloudFormation begins their names, for the key is made before them.
    """
    roles = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{stage.prefix}-gateway-"
    return iam.PolicyStatement(
        sid="OnlyTheFunctionsThatDeriveSecrets",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["kms:GenerateMac"],
        resources=["*"],
        conditions={"ArnNotLike": {"aws:PrincipalArn": [f"{roles}{name}*" for name in DERIVING_FUNCTIONS]}},
    )
