"""The KMS key that signs the audit log's checkpoints."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.constructs.locked_bucket import but_for
from infra.stages import Stage


class SigningKey(kms.Key):
    """Ed25519, never to leave KMS. Only roles like ``writer`` sign; the whole account reads the public key."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, writer: str) -> None:
        super().__init__(
            scope,
            id_,
            description=f"Portcullis {stage.name}: signs the audit log",
            key_spec=kms.KeySpec.ECC_NIST_EDWARDS25519,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            pending_window=Duration.days(30),
            removal_policy=RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY,
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="OnlyTheWriterSigns",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["kms:Sign"],
                resources=["*"],
                conditions=but_for(writer),
            )
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="TheAccountReadsThePublicKey",
                principals=[iam.AnyPrincipal()],
                actions=["kms:DescribeKey", "kms:GetPublicKey"],
                resources=["*"],
                conditions={"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}},
            )
        )
