"""Which events people are told of, and the telling."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portcullis.aws import responding
from portcullis.aws.dynamo import Table
from portcullis.aws.notices import Topic
from portcullis.domain import notices
from portcullis.domain.detection.findings import NEWS
from portcullis.domain.detection.signals import RECORD
from portcullis.domain.responses import Setting


@dataclass(frozen=True, slots=True)
class Notifying:
    """``settings`` as for the response to findings: what is only recorded is told to nobody."""

    table: Table
    topic: Topic
    stage: str
    settings: Mapping[str, Setting]

    def tell(self, event: Mapping[str, Any], now: int) -> str | None:
        """Publish what this event is worth; the subject, or None where it is worth none."""
        notice = notices.of_event(self.stage, event)
        if notice is None or (event["type"] in NEWS and not self._concerns_people(event, now)):
            return None
        self.topic.publish(event["id"], notice)
        return notice.subject

    def _concerns_people(self, event: Mapping[str, Any], now: int) -> bool:
        severity, agent = event["data"]["severity"], event["agent"]
        return responding.called_for(self.table, self.settings, agent, severity, now) != RECORD
