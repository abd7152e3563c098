"""The answers of the routes by which an agent manages its own keys."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from local.openapi.answers import KeyId
from portcullis.domain.operator_requests import Instant, KeyClass


class OwnKey(TypedDict):
    """A live key of the calling agent. `rotate_by` is when a key of its class is due, `parent` what it replaces."""

    key_id: KeyId
    state: Literal["active", "retiring"]
    key_class: KeyClass
    created_at: Instant
    expires_at: Instant | None
    rotate_by: Instant
    self_rotation: Annotated[bool, Field(description="Whether it may replace itself, once.")]
    parent: KeyId | None
    calling: Annotated[bool, Field(description="Whether it is the one that signed the request.")]


class OwnKeys(TypedDict):
    """All of them."""

    keys: list[OwnKey]


class RotatedKey(OwnKey):
    """The successor. `secret` is shown here alone; one that was given a public key has none."""

    secret: NotRequired[Annotated[str, Field(pattern=r"^sk_[a-z]{1,12}_[0-9A-Za-z]{49}$")]]
