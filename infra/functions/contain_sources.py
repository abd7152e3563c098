"""The step that blocks source addresses: it reads what speaks for and against them, and writes blocks alone."""

from constructs import Construct

from infra.constructs.function import Function, allow, leading_keys
from infra.stacks.data import Data


def contain_sources(scope: Construct, data: Data) -> Function:
    """It does not reach the firewall: the function `sources` makes that agree with the blocks, every minute."""
    core, profiles = data.core.table_arn, data.profiles.table_arn
    return Function(
        scope,
        "ContainSources",
        stage=data.stage,
        name="contain_sources",
        may=[
            allow("dynamodb:GetItem", on=[core], when=leading_keys("INCIDENT#*", "INCIDENTS#*")),
            allow("dynamodb:Query", on=[core], when=leading_keys("FINDINGS#*")),
            allow("dynamodb:GetItem", on=[profiles], when=leading_keys("AGENT#*", "ADDRESS#*")),
            allow("dynamodb:GetItem", "dynamodb:PutItem", on=[profiles], when=leading_keys("BLOCK#*")),
        ],
        environment={
            "CORE_TABLE": data.core.table_name,
            "PROFILES_TABLE": data.profiles.table_name,
            "NEVER_BLOCK": " ".join(data.stage.never_block),
        },
        memory_mb=512,
        timeout_seconds=30,
    )
