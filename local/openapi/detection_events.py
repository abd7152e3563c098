"""The `data` of events that tell of findings, and what operators said of them and of profiles."""

from typing import Annotated

from pydantic import Field

from local.openapi.detection_answers import Finding
from local.openapi.key_events import Change
from local.openapi.key_job_answers import Count


class FindingOpened(Finding, Change):
    """An agent did something out of the ordinary. `action` is what its severity calls for."""


class FindingUpdated(Finding, Change):
    """More of it: a finding became graver, or has a signal of another name. What only adds to `count` is not told."""


class FindingReleased(Finding, Change):
    """It was legitimate, says an operator, and the agent's profile has learnt it. `closed_by` is who, `reason` why."""


class FindingClosed(Finding, Change):
    """The incident that it belongs to was closed as a compromise or a drill: nothing is learnt of it."""


class ProfileReset(Change):
    """What was usual for the agent is forgotten: it is judged like a new one again."""

    reason: str
    payments: Annotated[
        Count | None, Field(description="How many it had judged the agent by; null: the profile could not be read.")
    ]
