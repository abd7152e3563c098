"""The `data` of events that tell what the anomaly function found."""

from local.openapi.detection_answers import Finding
from local.openapi.key_events import Change


class FindingOpened(Finding, Change):
    """An agent did something out of the ordinary. `action` is what its severity calls for."""


class FindingUpdated(Finding, Change):
    """More of it: a finding became graver, or has a signal of another name. What only adds to `count` is not told."""
