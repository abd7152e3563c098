"""What operators ask of detection: release a finding, reset a profile, unblock an address."""

from typing import Annotated

from pydantic import AfterValidator, Field

from portcullis.domain.agent_requests import Text
from portcullis.domain.detection.networks import name_of, network_of
from portcullis.domain.models import StrictModel

MAX_ADDRESS = 45
"""Characters of the longest address, or of the longest /64."""


def _address(text: str) -> str:
    network = network_of(text.removesuffix("/64"))
    if network is None or "%" in text:
        raise ValueError("expected an IPv4 or IPv6 address, as `portcullis sources list` shows it")
    return name_of(network)


Address = Annotated[
    str,
    Field(max_length=MAX_ADDRESS, json_schema_extra={"examples": ["203.0.113.7"]}),
    AfterValidator(_address),
]


class FindingRelease(StrictModel):
    """``POST /v1/findings/{finding}/release``: it was legitimate, and is learnt."""

    reason: Text


class ProfileReset(StrictModel):
    """``POST /v1/agents/{agent}/profile/reset``: what was learnt of the agent no longer holds."""

    reason: Text


class Unblocking(StrictModel):
    """``POST /v1/sources/unblock``: the address may send again."""

    address: Address
    reason: Text
