"""The answers about a lockdown, as functions/operator_api/lockdown.py gives them, and the `data` of its events."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # typing's own tells pydantic what is required only from Python 3.12

from local.openapi.answers import Version
from local.openapi.key_events import Change
from local.openapi.key_job_answers import Count
from portcullis.domain import lockdown
from portcullis.domain.operator_requests import Instant
from portcullis.domain.transaction import AgentId

Number = Annotated[int, Field(ge=1)]
NumberOfLockdown = Annotated[int, Field(ge=1, description="Which lockdown of this deployment it is.")]


class LockdownAgents(TypedDict):
    """What the present pass over the fleet has found, or the last one."""

    total: Annotated[int | None, Field(ge=0, description="Agents there were at the start; null: not counted yet.")]
    seen: Count
    locked: Annotated[int, Field(ge=0, description="Of those seen, how many are locked.")]
    failed: Annotated[int, Field(ge=0, description="Of those seen, how many could not be changed yet.")]
    unreadable: Annotated[int, Field(ge=0, description="Accounts that cannot be read, and so commit nothing.")]


class LockdownStage(TypedDict):
    """Who is being lifted: these agents, a share of those still locked, or all."""

    number: Number
    by: Annotated[str, Field(description="The approver whose code it took.")]
    at: Instant
    agents: NotRequired[list[AgentId]]
    share: NotRequired[Annotated[int, Field(ge=1, le=100, description="Percent of those still locked.")]]
    all: NotRequired[Literal[True]]


class Lockdown(TypedDict):
    """The lockdown of the fleet, or the last one; `none` when there never was one."""

    state: Annotated[str, Field(json_schema_extra={"enum": ["none", *lockdown.STATES]})]
    number: NotRequired[NumberOfLockdown]
    reason: NotRequired[str]
    started_at: NotRequired[Instant]
    started_by: NotRequired[str]
    passes: NotRequired[Annotated[int, Field(ge=0, description="Over the fleet, of the present work.")]]
    agents: NotRequired[LockdownAgents]
    completed_at: NotRequired[Annotated[Instant, Field(description="Since when nothing of any agent moves.")]]
    stage: NotRequired[LockdownStage]
    ended_at: NotRequired[Instant]


class RunLockdown(Lockdown):
    """A lockdown after one more slice of work; `worked` is false when somebody else is at it, or nothing is left."""

    worked: bool


class LockdownStarted(Lockdown, Change):
    """The fleet goes into lockdown: functions let nothing move from now on, and every account is being locked."""


class LockdownCompleted(Lockdown, Change):
    """Every account is locked: nothing of any agent moves any more."""


class LockdownLifting(Lockdown, Change):
    """An approver has ordered to lift the agents that `stage` names. From now on an agent's own account counts."""


class LockdownStageLifted(Lockdown, Change):
    """The stage is lifted. `agents.locked` are still locked."""


class LockdownLifted(Lockdown, Change):
    """The last stage is lifted: whoever was active before is active again."""


class AgentLocked(Change):
    """An agent was stopped with the whole fleet: it keeps its keys, and what it had approved or held is frozen by the
    new epoch."""

    lockdown: NumberOfLockdown
    reason: str
    epoch: Version


class AgentUnlocked(Change):
    """A locked agent may move again, with the keys that it had."""

    lockdown: NumberOfLockdown
    stage: Number
    epoch: Version
