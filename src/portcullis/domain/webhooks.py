"""Which events are posted to a team's URL: those that somebody, or something, has to act on."""

from collections.abc import Mapping
from typing import Any

from portcullis.domain.detection.findings import NEWS
from portcullis.domain.detection.signals import NOTIFY_FROM

FAMILIES, OTHERS = ("incident.", "lockdown."), ("agent.suspended",)


def is_posted(event: Mapping[str, Any]) -> bool:
    """A finding from the severity on that people are told of; every event of the other types."""
    if event["type"] in NEWS:
        return bool(event["data"]["severity"] >= NOTIFY_FROM)
    return event["type"] in OTHERS or event["type"].startswith(FAMILIES)
