"""The agent API: commits and moves on transactions under their policies. It reads no key and changes no policy."""

from constructs import Construct

from infra.constructs.function import Function, allow, leading_keys
from infra.constructs.nag import acknowledge
from infra.constructs.telling import tell
from infra.functions.country_setting import country_setting
from infra.stacks.data import STATUS_INDEX, Data


def agent_api(scope: Construct, data: Data) -> Function:
    """Answers agents whose requests the authorizer has proved."""
    core = data.core.table_arn
    write = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem")
    function = Function(
        scope,
        "AgentFunction",
        stage=data.stage,
        name="agent_api",
        may=[
            allow(*write, on=[core], when=leading_keys("AGENT#*")),
            allow("dynamodb:GetItem", on=[core], when=leading_keys("FLEET", "PRICES")),
            allow("dynamodb:Query", on=[f"{core}/index/{STATUS_INDEX}"], when=leading_keys("ag_*")),
            allow("s3:GetObject", on=[data.policy_objects]),
            tell(data.bus, "request.refused", "request.served"),
        ],
        environment={
            "CORE_TABLE": data.core.table_name,
            "POLICY_BUCKET": data.policies.bucket_name,
            "BUS_NAME": data.bus.event_bus_name,
            **country_setting(data.stage),
        },
        memory_mb=1024,
        timeout_seconds=20,
    )
    acknowledge(function.policy, data.policy_objects_finding, "Policies are named by their hashes, unknown beforehand.")
    return function
