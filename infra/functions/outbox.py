"""The outbox: turns stream records into event envelopes. It is handed all it needs and may call nothing."""

from constructs import Construct

from infra.constructs.function import Function
from infra.stacks.data import Data


def outbox(scope: Construct, data: Data) -> Function:
    """The pipe's enrichment step."""
    return Function(
        scope, "Outbox", stage=data.stage, name="outbox", may=[], environment={}, memory_mb=256, timeout_seconds=30
    )
