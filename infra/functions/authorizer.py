"""The authorizer: reads key records, claims nonces, derives secrets, tells of refusals. It never touches agents or
transactions."""

from constructs import Construct

from infra.constructs.function import Function, allow, leading_keys
from infra.constructs.telling import tell
from infra.stacks.data import Data


def authorizer(scope: Construct, data: Data) -> Function:
    """Proves who sent a request. Every request waits for it, so it gets more CPU than its memory needs."""
    return Function(
        scope,
        "Authorizer",
        stage=data.stage,
        name="authorizer",
        may=[
            allow("dynamodb:GetItem", on=[data.core.table_arn], when=leading_keys("KEY#*")),
            allow("dynamodb:PutItem", on=[data.nonces.table_arn]),
            tell(data.bus, "authentication.refused"),
            allow("kms:GenerateMac", on=data.mac_key_arns),
        ],
        environment={
            "CORE_TABLE": data.core.table_name,
            "NONCES_TABLE": data.nonces.table_name,
            "BUS_NAME": data.bus.event_bus_name,
            "MAC_KEYS": data.mac_keys_setting,
        },
        memory_mb=1024,
        timeout_seconds=5,
    )
