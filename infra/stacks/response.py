"""What cuts agents off and what follows: it can be replaced at any time, and a suspension does not need it."""

from aws_cdk import App, Stack

from infra.constructs.containment import Containment
from infra.constructs.notices import Notices
from infra.functions.contain_evidence import contain_evidence
from infra.functions.contain_secrets import contain_secrets
from infra.functions.contain_sources import contain_sources
from infra.functions.containment import contain_keys, contain_transactions, incident_record
from infra.functions.incidents import incidents
from infra.functions.notices import contain_notice, notifier
from infra.functions.webhooks import webhooks
from infra.stacks.data import Data


class Response(Stack):
    """What triggers a containment, and the state machine with its steps."""

    def __init__(self, app: App, data: Data) -> None:
        stage = data.stage
        super().__init__(app, f"{stage.prefix}-response", description=f"Portcullis {stage.name}: response")
        topic = Notices(self, "Notices", stage=stage)
        containment = Containment(
            self,
            "Containment",
            stage=stage,
            steps={
                "keys": contain_keys(self, data),
                "transactions": contain_transactions(self, data),
                "sources": contain_sources(self, data),
                "secrets": contain_secrets(self, data),
                "evidence": contain_evidence(self, data),
            },
            record=incident_record(self, data),
            notice=contain_notice(self, data, topic),
        )
        incidents(self, data, containment.machine)
        notifier(self, data, topic)
        if stage.webhook_url:
            webhooks(self, data, stage.webhook_url)
