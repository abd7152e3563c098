"""The rotation of delivered keys: issues, tries and retires keys, and writes the secrets that it rotates, no others."""

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.agent_secrets import agent_secrets, agent_secrets_finding
from infra.constructs.function import Function, allow, leading_keys
from infra.constructs.nag import acknowledge
from infra.constructs.schedule import Schedule
from infra.functions.rotation_settings import rotation_settings
from infra.stacks.data import Data

NAME = "KeyRotation"
OWN = "secretsmanager:resource/AllowRotationLambdaArn"
VALUES = ("GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage", "DescribeSecret")


def key_rotation(scope: Construct, data: Data, api_url: str) -> Function:
    """Called by Secrets Manager for each step, and every hour to take up what it has given up."""
    core, stage = data.core.table_arn, data.stage
    # The function is made after its role, which can therefore name it only by how CloudFormation begins its name.
    own = f"arn:{Aws.PARTITION}:lambda:{Aws.REGION}:{Aws.ACCOUNT_ID}:function:{stage.prefix}-gateway-{NAME}*"
    items = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
    function = Function(
        scope,
        NAME,
        stage=stage,
        name="key_rotation",
        may=[
            allow(*items, on=[core], when=leading_keys("AGENT#*", "KEY#*")),
            allow("dynamodb:GetItem", on=[core], when=leading_keys("ROOT")),
            allow(
                *(f"secretsmanager:{each}" for each in VALUES),
                on=[agent_secrets(stage)],
                when={"ArnLike": {OWN: own}},
            ),
            # Names and stages, no values; it has no resource to be narrowed to.
            allow("secretsmanager:ListSecrets", on=["*"]),
            allow("kms:GenerateMac", on=data.mac_key_arns),
        ],
        environment={
            "CORE_TABLE": data.core.table_name,
            "API_URL": api_url,
            "MAC_KEYS": data.mac_keys_setting,
            **rotation_settings(stage),
        },
        memory_mb=512,
        timeout_seconds=300,
    )
    acknowledge(function.policy, agent_secrets_finding(stage), "Secrets are named by their agents, unknown beforehand.")
    acknowledge(function.policy, "IAM5[Resource::*]", "ListSecrets has no resource; it tells names and stages only.")
    principal = iam.ServicePrincipal("secretsmanager.amazonaws.com")
    function.add_permission("SecretsManager", principal=principal, source_account=Aws.ACCOUNT_ID)
    Schedule(scope, f"{NAME}Check", function=function, every=Duration.hours(1))
    return function
