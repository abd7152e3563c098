"""What watches: it reads what the bus tells, and can be replaced at any time."""

from aws_cdk import App, Stack

from infra.functions.anomaly import anomaly
from infra.stacks.data import Data


class Detection(Stack):
    """The functions that judge what agents and source addresses do."""

    def __init__(self, app: App, data: Data) -> None:
        stage = data.stage
        super().__init__(app, f"{stage.prefix}-detection", description=f"Portcullis {stage.name}: detection")
        anomaly(self, data)
