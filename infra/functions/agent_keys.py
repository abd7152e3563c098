"""The agents' own keys: lists them, and replaces one at its agent's request. It derives secrets, so it is a function
apart from the agent API; it reads and writes accounts, keys and nothing else of an agent."""

from constructs import Construct

from infra.constructs.function import Function, allow, leading_keys
from infra.constructs.nag import acknowledge
from infra.constructs.telling import tell
from infra.functions.country_setting import country_setting
from infra.functions.rotation_settings import rotation_settings
from infra.stacks.data import Data


def agent_keys(scope: Construct, data: Data) -> Function:
    """Answers agents whose requests the authorizer has proved."""
    core = data.core.table_arn
    write = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
    function = Function(
        scope,
        "AgentKeys",
        stage=data.stage,
        name="agent_keys",
        may=[
            allow(*write, on=[core], when=leading_keys("AGENT#*", "KEY#*")),
            allow("dynamodb:GetItem", on=[core], when=leading_keys("FLEET", "ROOT")),
            allow("s3:GetObject", on=[data.policy_objects]),
            allow("kms:GenerateMac", on=data.mac_key_arns),
            tell(data.bus, "request.refused", "request.served"),
        ],
        environment={
            "CORE_TABLE": data.core.table_name,
            "POLICY_BUCKET": data.policies.bucket_name,
            "BUS_NAME": data.bus.event_bus_name,
            **country_setting(data.stage),
            "MAC_KEYS": data.mac_keys_setting,
            **rotation_settings(data.stage),
        },
        memory_mb=1024,
        timeout_seconds=20,
    )
    acknowledge(function.policy, data.policy_objects_finding, "Policies are named by their hashes, unknown beforehand.")
    return function
