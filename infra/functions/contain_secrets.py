"""The step that rotates what an agent could reach: it may start rotations, and reads no value."""

from aws_cdk import Aws
from constructs import Construct

from infra.constructs.function import Function, allow, leading_keys
from infra.constructs.nag import acknowledge
from infra.stacks.data import Data

TAG = "portcullis:reachable-by"
TAGGED = {"Null": {f"aws:ResourceTag/{TAG}": "false"}}
WHERE = "<AWS::Region>:<AWS::AccountId>"


def contain_secrets(scope: Construct, data: Data) -> Function:
    """It reaches the secrets that the team has tagged, and rotation functions with the same tag, which Secrets Manager
    asks that the caller may invoke."""
    here = f"{Aws.REGION}:{Aws.ACCOUNT_ID}"
    function = Function(
        scope,
        "ContainSecrets",
        stage=data.stage,
        name="contain_secrets",
        may=[
            allow("dynamodb:GetItem", on=[data.core.table_arn], when=leading_keys("INCIDENT#*", "INCIDENTS#*")),
            # Names, tags and stages, no values; it has no resource to be narrowed to.
            allow("secretsmanager:ListSecrets", on=["*"]),
            allow(
                "secretsmanager:DescribeSecret",
                "secretsmanager:RotateSecret",
                on=[f"arn:{Aws.PARTITION}:secretsmanager:{here}:secret:*"],
                when=TAGGED,
            ),
            allow("lambda:InvokeFunction", on=[f"arn:{Aws.PARTITION}:lambda:{here}:function:*"], when=TAGGED),
        ],
        environment={"CORE_TABLE": data.core.table_name},
        memory_mb=512,
        timeout_seconds=30,
    )
    for resource in ("*", f"arn:<AWS::Partition>:secretsmanager:{WHERE}:secret:*"):
        acknowledge(function.policy, f"IAM5[Resource::{resource}]", "Only what the team has tagged, or names alone.")
    tagged_functions = f"IAM5[Resource::arn:<AWS::Partition>:lambda:{WHERE}:function:*]"
    acknowledge(function.policy, tagged_functions, "Only rotation functions that the team has tagged.")
    return function
