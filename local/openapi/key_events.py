"""The `data` of events that tell of keys, and what every change tells."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from local.openapi.answers import KeyId
from local.openapi.key_job_answers import Count, Generation
from portcullis.domain.operator_requests import Instant, KeyClass, Network, Scope

Micros = Annotated[int, Field(ge=0, description="Microseconds since 1970.")]
Actor = Annotated[str, Field(description="Who changed it: an ARN, an agent's key, or a part of the gateway.")]


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
    key_class: KeyClass
    parent: Annotated[str | None, Field(description="The key that this one replaces.")]
    self_rotation: bool
    delivered: bool


class KeyRetiring(Change):
    """A key has an end."""

    ends_at: Micros


class KeyRotated(KeyIssued):
    """A key has a successor, which the envelope's `key` names; `parent` is refused from its end on."""

    ends_at_of_parent: Instant
    revoked: Annotated[
        list[KeyId], Field(description="What ended at once: `parent` and its lineage in an emergency, else nothing.")
    ]


class KeyRevoked(Change):
    """Keys are refused from now on: the one that the envelope's `key` names and its lineage, or all of the agent."""

    keys: list[KeyId]


class KeyDue(Change):
    """The rotation of a key was asked for, by the key job that `actor` names. It stays valid until it is rotated."""

    due_at: Micros


class KeyJobCreated(Change):
    """A job over the keys of all agents: those of `key_class`, those of roots `before` a generation, or else all."""

    action: str
    key_class: KeyClass | None
    before: Generation | None
    overlap: Annotated[int | None, Field(description="Microseconds; null: the stage's own.")]
    reason: str


class KeyJobFinished(Change):
    """A key job has nothing outstanding any more."""

    agents: Count
    seen: Count
    done: Count
    outstanding: Count
    failed: Count


class KeyJobCancelled(Change):
    """A key job was ended before its time. What it has done stays done."""


class RootAdvanced(Change):
    """New keys are of another generation of the root from now on."""

    generation: Generation
    before: Generation
