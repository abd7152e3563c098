"""The operator API: the one writer of agents, keys, policies, prices and approvers; and a reader of the audit log."""

from constructs import Construct

from infra.constructs.agent_secrets import agent_secrets, agent_secrets_finding
from infra.constructs.function import Function, allow
from infra.constructs.nag import acknowledge
from infra.constructs.telling import tell
from infra.functions.rotation_settings import rotation_settings
from infra.stacks.data import AUDIT_CHECKPOINT, AUDIT_TILES, STATUS_INDEX, USES_INDEX, Data


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
            tell(data.bus, "request.refused"),
            allow("s3:GetObject", on=[data.audit.arn_for_objects(each) for each in (AUDIT_TILES, AUDIT_CHECKPOINT)]),
            # Without it S3 says of what is not there that it may not be read.
            allow("s3:ListBucket", on=[data.audit.bucket_arn]),
            allow("kms:GetPublicKey", on=[data.audit_key.key_arn]),
            allow("kms:GenerateMac", on=data.mac_key_arns),
            allow("secretsmanager:RotateSecret", on=[agent_secrets(data.stage)]),
        ],
        environment={
            "CORE_TABLE": data.core.table_name,
            "NONCES_TABLE": data.nonces.table_name,
            "POLICY_BUCKET": data.policies.bucket_name,
            "BUS_NAME": data.bus.event_bus_name,
            "AUDIT_BUCKET": data.audit.bucket_name,
            "AUDIT_KEY_ID": data.audit_key.key_arn,
            "AUDIT_ORIGIN": data.audit_origin,
            "MAC_KEYS": data.mac_keys_setting,
            **rotation_settings(data.stage),
        },
        memory_mb=1024,
        timeout_seconds=20,
    )
    _acknowledge(function, data)
    return function


def _acknowledge(function: Function, data: Data) -> None:
    acknowledge(function.policy, data.policy_objects_finding, "Policies are named by their hashes, unknown beforehand.")
    secrets = agent_secrets_finding(data.stage)
    acknowledge(function.policy, secrets, "Secrets are named by agents, unknown beforehand.")
    tiles = data.audit_findings[AUDIT_TILES]
    acknowledge(function.policy, tiles, "Tiles are named by their place in the log, unknown beforehand.")
