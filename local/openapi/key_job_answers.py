"""The answers about key jobs and the root, as functions/operator_api/key_jobs.py and root.py give them."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict  # typing's own tells pydantic what is required only from Python 3.12

from local.openapi.answers import Cursor, KeyId
from portcullis.domain.key_jobs import JOB_ID, WAITS
from portcullis.domain.operator_requests import Instant, KeyClass
from portcullis.domain.transaction import AgentId

JobId = Annotated[str, Field(pattern=f"^{JOB_ID.pattern}$")]
Count = Annotated[int, Field(ge=0)]
Generation = Annotated[str, Field(pattern="^[0-9A-Za-z]$")]
WaitsFor = Annotated[str, Field(json_schema_extra={"enum": [*WAITS]})]


class KeyJobAgents(TypedDict):
    """How far a job is among the agents."""

    seen: Count
    unreadable: Annotated[int, Field(ge=0, description="Agents that could not be read; their keys were not seen.")]
    all_seen: bool


class KeyJobProgress(TypedDict):
    """What became of the keys: `done`, `outstanding` and `failed` add up to `seen`."""

    seen: Count
    done: Count
    outstanding: Count
    failed: Count


class KeyJobWaits(TypedDict):
    """The outstanding keys by what they wait for: an operator, their agents, Secrets Manager, or the job itself."""

    hand: Count
    agent: Count
    secrets_manager: Count
    gateway: Count


class KeyJob(TypedDict):
    """A job over the keys of all agents: those of `key_class`, those of roots `before_generation`, or else all."""

    job_id: JobId
    action: Literal["rotate", "revoke"]
    key_class: KeyClass | None
    before_generation: Generation | None
    overlap_seconds: Annotated[int | None, Field(description="Null: the stage's own.")]
    reason: str
    state: Literal["running", "finished", "cancelled"]
    created_at: Instant
    created_by: str
    ended_at: Instant | None
    agents: KeyJobAgents
    keys: KeyJobProgress
    waiting_for: KeyJobWaits


class RunKeyJob(KeyJob):
    """A job after one more slice of work; `worked` is false when somebody else is at it, or it is not running."""

    worked: bool


class KeyJobs(TypedDict):
    """One page, newest first."""

    jobs: list[KeyJob]
    cursor: Cursor


class KeyOfJob(TypedDict):
    """A key that is outstanding or has failed; `error` says why it failed."""

    key_id: KeyId
    agent_id: AgentId
    waits_for: WaitsFor
    since: Instant
    error: str | None


class KeysOfJob(TypedDict):
    """One page, newest first."""

    keys: list[KeyOfJob]
    cursor: Cursor


class RootGeneration(TypedDict):
    """A root that is deployed: how many valid keys and approvers are of it, and why it cannot be removed yet."""

    generation: Generation
    keys: Annotated[int | None, Field(description="At `counted_at`; null before the first count.")]
    approvers: Count
    obstacle: Annotated[str | None, Field(description="Null: nothing needs it any more.")]


class Root(TypedDict):
    """The generations of the root of secrets. New ids name the `current` one."""

    current: Generation
    advanced_at: Instant | None
    counted_at: Instant | None
    generations: list[RootGeneration]
