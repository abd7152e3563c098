"""What watches: it reads what the bus tells, and can be replaced at any time."""

from aws_cdk import App, Duration, Stack

from infra.constructs.schedule import Schedule
from infra.functions.anomaly import anomaly
from infra.functions.sources import sources
from infra.stacks.data import Data
from infra.stacks.gateway import Gateway


class Detection(Stack):
    """The functions that judge what agents and source addresses do."""

    def __init__(self, app: App, data: Data, gateway: Gateway) -> None:
        stage = data.stage
        super().__init__(app, f"{stage.prefix}-detection", description=f"Portcullis {stage.name}: detection")
        anomaly(self, data)
        blocks = sources(self, data, gateway.firewall)
        Schedule(self, "BlocksEnd", function=blocks, every=Duration.minutes(1))
