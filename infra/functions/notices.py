"""What tells people: the function that listens on the bus, and the last step of a containment."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.alarms import alarm, own_metric
from infra.constructs.bus_queue import BusQueue, Delivery
from infra.constructs.function import Function, allow, leading_keys
from infra.constructs.notices import Notices
from infra.constructs.telling import FINDINGS, SOURCE
from infra.functions.incidents import responses_setting
from infra.stacks.data import Data

TYPES = (*FINDINGS, "incident.*", "lockdown.*")
DELIVERY = Delivery(attempts=20)


def notifier(scope: Construct, data: Data, topic: Notices) -> Function:
    """It reads how agents are to be answered, publishes, and writes nothing."""
    core = data.core.table_arn
    queue = BusQueue(
        scope, "NoticeEvents", bus=data.bus, pattern={"source": [SOURCE], "detail-type": TYPES}, delivery=DELIVERY
    )
    function = Function(
        scope,
        "Notifier",
        stage=data.stage,
        name="notifier",
        may=[
            queue.consume,
            allow("dynamodb:GetItem", on=[core], when=leading_keys("AGENT#*")),
            allow("dynamodb:Query", on=[core], when=leading_keys("INCIDENTS#*")),
            _publish(topic),
        ],
        environment={
            "CORE_TABLE": data.core.table_name,
            "TOPIC_ARN": topic.topic_arn,
            "RESPONSES": responses_setting(data.stage),
        },
        memory_mb=512,
        timeout_seconds=60,
    )
    queue.feed(function)
    fault = own_metric("Fault", "Sum", Duration.minutes(1), Function="notifier")
    alarm(function, "Fault", fault, "People could not be told of something. It is tried again; the log says why.")
    return function


def contain_notice(scope: Construct, data: Data, topic: Notices) -> Function:
    """It reads incidents and publishes."""
    return Function(
        scope,
        "ContainNotice",
        stage=data.stage,
        name="contain_notice",
        may=[
            allow("dynamodb:GetItem", on=[data.core.table_arn], when=leading_keys("INCIDENT#*", "INCIDENTS#*")),
            _publish(topic),
        ],
        environment={"CORE_TABLE": data.core.table_name, "TOPIC_ARN": topic.topic_arn},
        memory_mb=256,
        timeout_seconds=20,
    )


def _publish(topic: Notices) -> iam.PolicyStatement:
    """To an encrypted topic: the policy of SNS's own key lets in whoever may publish."""
    return allow("sns:Publish", on=[topic.topic_arn])
