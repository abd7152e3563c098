"""The topic through which people hear of findings, incidents and lockdowns."""

from aws_cdk import CfnOutput
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.stages import Stage


class Notices(sns.Topic):
    """Encrypted with SNS's own key, TLS only; the stage's responders are subscribed by e-mail, and have to confirm."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(
            scope,
            id_,
            display_name=f"Portcullis {stage.name}",
            master_key=kms.Alias.from_alias_name(scope, f"{id_}Key", "alias/aws/sns"),
            enforce_ssl=True,
        )
        for address in stage.responders:
            self.add_subscription(subscriptions.EmailSubscription(address))
        CfnOutput(scope, "NoticesTopicArn", value=self.topic_arn)
