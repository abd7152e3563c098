"""The operator API: the one writer of agents, keys, policies, prices and approvers."""

from constructs import Construct

from infra.constructs.function import Function, allow
from infra.constructs.nag import acknowledge
from infra.functions.rotation_settings import rotation_settings
from infra.stacks.data import STATUS_INDEX, USES_INDEX, Data


def operator_api(scope: Construct, data: Data) -> Function:
    """Answers operators whom IAM has authenticated. It derives secrets, for it shows a new key's secret once and
    checks the codes of approvers."""
    core = data.core.table_arn
    read_write = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem")
    function = Function(
        scope,
        "OperatorFunction",
        stage=data.stage,
        name="operator_api",
        may=[
            allow(*read_write, "dynamodb:Query", on=[core]),
            allow("dynamodb:Query", on=[f"{core}/index/{STATUS_INDEX}"]),
            allow("dynamodb:Query", on=[f"{data.nonces.table_arn}/index/{USES_INDEX}"]),
            allow("s3:GetObject", "s3:PutObject", on=[data.policy_objects]),
            allow("kms:GenerateMac", on=data.mac_key_arns),
        ],
        environment={
            "CORE_TABLE": data.core.table_name,
            "NONCES_TABLE": data.nonces.table_name,
            "POLICY_BUCKET": data.policies.bucket_name,
            "MAC_KEYS": data.mac_keys_setting,
            **rotation_settings(data.stage),
        },
        memory_mb=1024,
        timeout_seconds=20,
    )
    acknowledge(function.policy, data.policy_objects_finding, "Policies are named by their hashes, unknown beforehand.")
    return function
