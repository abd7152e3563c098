"""The work of a lockdown: locks and lifts the accounts of all agents. It reads no key and no transaction."""

from constructs import Construct

from infra.constructs.function import Function, allow, leading_keys
from infra.stacks.data import STATUS_INDEX, Data


def lockdown(scope: Construct, data: Data) -> Function:
    """Started by a schedule; a run that does not come to the end is taken up by the next."""
    core = data.core.table_arn
    each = ("BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem", "UpdateItem")
    items = tuple(f"dynamodb:{action}" for action in each)
    return Function(
        scope,
        "Lockdown",
        stage=data.stage,
        name="lockdown",
        may=[
            allow(*items, on=[core], when=leading_keys("AGENT#*", "FLEET")),
            allow("dynamodb:Query", on=[f"{core}/index/{STATUS_INDEX}"], when=leading_keys("AGENTS")),
        ],
        environment={"CORE_TABLE": data.core.table_name},
        memory_mb=1024,
        timeout_seconds=120,
    )
