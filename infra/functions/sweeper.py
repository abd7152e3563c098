"""The sweeper: moves on what is overdue. It reads no policy and no key, and writes transactions and their accounts."""

from constructs import Construct

from infra.constructs.function import Function, allow, leading_keys
from infra.stacks.data import STATUS_INDEX, Data


def sweeper(scope: Construct, data: Data) -> Function:
    """Started by a schedule; a run that does not come to the end is taken up by the next."""
    core = data.core.table_arn
    return Function(
        scope,
        "Sweeper",
        stage=data.stage,
        name="sweeper",
        may=[
            allow("dynamodb:GetItem", "dynamodb:UpdateItem", on=[core], when=leading_keys("AGENT#*", "SWEEPER")),
            allow("dynamodb:Query", on=[f"{core}/index/{STATUS_INDEX}"], when=leading_keys("AGENTS", "ag_*")),
        ],
        environment={"CORE_TABLE": data.core.table_name},
        memory_mb=512,
        timeout_seconds=60,
    )
