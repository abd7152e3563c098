"""Who may put what on the bus."""

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam

from infra.constructs.function import allow

SOURCE = "portcullis"
"""Of everything that the gateway tells."""
FINDINGS = ("finding.opened", "finding.updated")
"""That there is something new in a finding."""


def tell(bus: events.IEventBus, *types: str) -> iam.PolicyStatement:
    """Events of these ``types``, or of any, and of no other source. For all of none holds too, hence the Null."""
    wanted: dict[str, object] = {"events:source": [SOURCE]}
    if types:
        wanted["events:detail-type"] = list(types)
    given: dict[str, object] = dict.fromkeys(wanted, "false")
    when = {"ForAllValues:StringEquals": wanted, "Null": given}
    return allow("events:PutEvents", on=[bus.event_bus_arn], when=when)
