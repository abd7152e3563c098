"""The trust upgrade proposals: reads agents and their policy versions, and records a proposal with its event."""

from constructs import Construct

from infra.constructs.function import Function, allow, leading_keys
from infra.stacks.data import STATUS_INDEX, Data


def proposals(scope: Construct, data: Data) -> Function:
    """Runs by the clock. It reads no policy body, and no key."""
    core = data.core.table_arn
    return Function(
        scope,
        "Proposals",
        stage=data.stage,
        name="proposals",
        may=[
            allow("dynamodb:Query", on=[f"{core}/index/{STATUS_INDEX}"], when=leading_keys("AGENTS")),
            allow(
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                on=[core],
                when=leading_keys("AGENT#*"),
            ),
        ],
        environment={"CORE_TABLE": data.core.table_name},
        memory_mb=512,
        timeout_seconds=300,
    )
