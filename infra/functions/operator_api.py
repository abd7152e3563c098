"""The operator API: the one writer of agents, keys, policies, prices and approvers; and a reader of the audit log."""

from aws_cdk import aws_iam as iam
from aws_cdk.aws_lambda import IFunction
from constructs import Construct

from infra.constructs.agent_secrets import agent_secrets, agent_secrets_finding
from infra.constructs.function import Function, allow, leading_keys
from infra.constructs.nag import acknowledge
from infra.constructs.telling import tell
from infra.functions.rotation_settings import rotation_settings
from infra.stacks.data import AUDIT_CHECKPOINT, AUDIT_TILES, BLOCKS_INDEX, STATUS_INDEX, USES_INDEX, Data

ITEMS = tuple(f"dynamodb:{each}" for each in ("BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem", "UpdateItem"))


def operator_api(scope: Construct, data: Data, rotation: IFunction) -> Function:
    """Answers operators whom IAM has authenticated. It derives secrets: it shows a new key's once, and checks codes."""
    core = data.core.table_arn
    function = Function(
        scope,
        "OperatorFunction",
        stage=data.stage,
        name="operator_api",
        may=[
            allow(*ITEMS, "dynamodb:Query", on=[core]),
            allow("dynamodb:Query", on=[f"{core}/index/{STATUS_INDEX}"]),
            allow("dynamodb:Query", on=[f"{data.nonces.table_arn}/index/{USES_INDEX}"]),
            allow("s3:GetObject", "s3:PutObject", on=[data.policy_objects]),
            tell(data.bus, "request.refused"),
            *_read_audit(data),
            allow("kms:GenerateMac", on=data.mac_key_arns),
            *_deliver(data, rotation),
            *_judge(data),
        ],
        environment=_environment(data, rotation),
        memory_mb=1024,
        timeout_seconds=20,
    )
    for finding, named_by in {
        data.policy_objects_finding: "Policies are named by their hashes",
        data.audit_findings[AUDIT_TILES]: "Tiles are named by their place in the log",
        agent_secrets_finding(data.stage): "Secrets are named by their agents",
    }.items():
        acknowledge(function.policy, finding, f"{named_by}, unknown beforehand.")
    return function


def _environment(data: Data, rotation: IFunction) -> dict[str, str]:
    return {
        "CORE_TABLE": data.core.table_name,
        "NONCES_TABLE": data.nonces.table_name,
        "PROFILES_TABLE": data.profiles.table_name,
        "POLICY_BUCKET": data.policies.bucket_name,
        "BUS_NAME": data.bus.event_bus_name,
        "AUDIT_BUCKET": data.audit.bucket_name,
        "AUDIT_KEY_ID": data.audit_key.key_arn,
        "AUDIT_ORIGIN": data.audit_origin,
        "MAC_KEYS": data.mac_keys_setting,
        "ROTATION_FUNCTION": rotation.function_arn,
        **rotation_settings(data.stage),
    }


def _read_audit(data: Data) -> list[iam.PolicyStatement]:
    return [
        allow("s3:GetObject", on=[data.audit.arn_for_objects(each) for each in (AUDIT_TILES, AUDIT_CHECKPOINT)]),
        # Without it S3 says of what is not there that it may not be read.
        allow("s3:ListBucket", on=[data.audit.bucket_arn]),
        allow("kms:GetPublicKey", on=[data.audit_key.key_arn]),
    ]


def _judge(data: Data) -> list[iam.PolicyStatement]:
    """Teach and reset profiles, see and end blocks; what agents are judged by is written by nobody else's hand."""
    profiles = data.profiles.table_arn
    return [
        allow("dynamodb:GetItem", "dynamodb:PutItem", on=[profiles], when=leading_keys("AGENT#*")),
        allow("dynamodb:UpdateItem", on=[profiles], when=leading_keys("BLOCK#*")),
        allow("dynamodb:Query", on=[f"{profiles}/index/{BLOCKS_INDEX}"], when=leading_keys("BLOCKED")),
    ]


def _deliver(data: Data, rotation: IFunction) -> list[iam.PolicyStatement]:
    """Hand keys out through Secrets Manager and have them rotated; RotateSecret asks that its caller may invoke the
    function that it names."""
    actions = (
        f"secretsmanager:{each}" for each in ("CreateSecret", "DescribeSecret", "PutSecretValue", "RotateSecret")
    )
    return [
        allow(*actions, on=[agent_secrets(data.stage)]),
        allow("lambda:InvokeFunction", on=[rotation.function_arn]),
    ]
