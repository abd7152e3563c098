"""The `data` of events that tell of keys, and what every change tells."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from portcullis.domain.operator_requests import Network, Scope

Micros = Annotated[int, Field(ge=0, description="Microseconds since 1970.")]
Actor = Annotated[str, Field(description="Who changed it: an ARN, or a part of the gateway.")]


class Change(TypedDict):
    """What every change tells."""

    actor: Actor


class KeyIssued(Change):
    """A new key. The envelope's `key` names it, as in the other events of keys."""

    scopes: list[Scope]
    ip_ranges: list[Network]
    ends_at: Micros | None
    rate: Annotated[str, Field(description="Requests per minute and burst, `60/10`; empty: the agent's alone.")]
    algorithm: str


class KeyRetiring(Change):
    """A key has an end."""

    ends_at: Micros


class KeyRevoked(Change):
    """A key is refused from now on."""
