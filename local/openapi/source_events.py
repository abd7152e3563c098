"""The `data` of events that tell of blocked source addresses."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from portcullis.domain.operator_requests import Instant

Address = Annotated[str, Field(description="An IPv4 address, or the /64 of an IPv6 one.")]


class SourceBlocked(TypedDict):
    """A source address is kept out until `until`, for what nothing vouched for."""

    address: Address
    severity: Annotated[int, Field(ge=1, le=10)]
    times: Annotated[int, Field(ge=1, description="How often in a row, this time included.")]
    reason: str
    until: Instant


class SourceUnblocked(TypedDict):
    """A block has ended: it expired, or `actor` has lifted it."""

    address: Address
    actor: Annotated[str, Field(description="Who has lifted it, or `expiry`.")]
    reason: str
