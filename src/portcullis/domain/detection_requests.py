"""What operators ask of detection: release a finding, reset a profile."""

from portcullis.domain.agent_requests import Text
from portcullis.domain.models import StrictModel


class FindingRelease(StrictModel):
    """``POST /v1/findings/{finding}/release``: it was legitimate, and is learnt."""

    reason: Text


class ProfileReset(StrictModel):
    """``POST /v1/agents/{agent}/profile/reset``: what was learnt of the agent no longer holds."""

    reason: Text
