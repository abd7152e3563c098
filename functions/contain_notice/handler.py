"""The last step of containment: tells people how the incident stands, and what to run next."""

from functools import cache
from typing import Any

from portcullis.aws import incidents, settings
from portcullis.aws.dynamo import Table
from portcullis.aws.notices import Topic
from portcullis.aws.wire import Service
from portcullis.domain import notices
from portcullis.domain.incidents import describe


@cache
def stores() -> tuple[Table, Topic]:
    """Where incidents are, and where people hear of them."""
    own, environment = settings.contain_notice(), settings.aws()
    return Table(own.core_table, Service("dynamodb", environment)), Topic(own.topic, Service("sns", environment))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """What was published. Every run of an incident has a summary of its own."""
    table, topic = stores()
    incident = incidents.existing(table, event["incident"])
    notice = notices.summary(settings.contain_notice().stage, describe(incident))
    topic.publish(f"{incident.id}/summary/{incident.run}", notice)
    return {"published": notice.subject}
