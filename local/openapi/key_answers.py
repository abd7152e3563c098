"""The answers that tell of keys by their age, their successors and their ends."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # typing's own tells pydantic what is required only from Python 3.12

from local.openapi.answers import Cursor, IssuedKey, Key, KeyId
from portcullis.domain.operator_requests import Instant
from portcullis.domain.transaction import AgentId


class RotatedKey(IssuedKey):
    """The successor. Its `parent` is refused from `parent_ends_at` on; where that is its `created_at`, at once."""

    parent_ends_at: Instant


class StartedRotation(TypedDict):
    """Secrets Manager rotates the key: its successor is in the agent's secret soon."""

    secret_arn: Annotated[str, Field(pattern=r"^arn:")]


class RevokedKey(Key):
    """A key that has ended for good. `revoked` lists the keys that this very call has ended, with its lineage."""

    revoked: list[KeyId]


class RevokedKeys(TypedDict):
    """The keys of an agent that this very call has ended."""

    agent_id: AgentId
    revoked: list[KeyId]


class KeyUse(TypedDict):
    """A request that a key has signed."""

    at: Instant
    ip: str


class ListedKey(Key):
    """A key in a list, as it is now. `last_used` is null when it has not been used in the last 90 days."""

    successor: KeyId | None
    age_days: Annotated[int, Field(ge=0)]
    rotate_by: Annotated[Instant | None, Field(description="By its class; null where the key is not active any more.")]
    overdue: bool
    last_used: KeyUse | None


class Keys(TypedDict):
    """One page, newest first, ended and revoked keys among them."""

    keys: list[ListedKey]
    cursor: Cursor
