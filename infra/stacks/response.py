"""What cuts agents off and what follows: it can be replaced at any time, and a suspension does not need it."""

from aws_cdk import App, Stack

from infra.constructs.containment import Containment
from infra.functions.contain_evidence import contain_evidence
from infra.functions.containment import contain_keys, contain_transactions, incident_record
from infra.functions.incidents import incidents
from infra.stacks.data import Data


class Response(Stack):
    """What triggers a containment, and the state machine with its steps."""

    def __init__(self, app: App, data: Data) -> None:
        stage = data.stage
        super().__init__(app, f"{stage.prefix}-response", description=f"Portcullis {stage.name}: response")
        steps = {
            "keys": contain_keys(self, data),
            "transactions": contain_transactions(self, data),
            "evidence": contain_evidence(self, data),
        }
        containment = Containment(self, "Containment", stage=stage, steps=steps, record=incident_record(self, data))
        incidents(self, data, containment.machine)
