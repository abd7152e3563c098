"""The bodies of what operators do about a lockdown."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from portcullis.domain.approver_requests import Code
from portcullis.domain.lockdown import MOST_AGENTS
from portcullis.domain.models import Reason, StrictModel
from portcullis.domain.transaction import AgentId

CHOICES = ("agents", "share", "all")


class NewLockdown(StrictModel):
    """``POST /v1/lockdown``."""

    reason: Reason


def _one_of(schema: dict[str, Any]) -> None:
    null = {"type": "null"}
    schema["oneOf"] = [
        {"required": [one], "properties": {name: {"not": null} if name == one else null for name in CHOICES}}
        for one in CHOICES
    ]


class Lift(StrictModel):
    """``POST /v1/approvers/{approver}/lockdown-lifts``: these agents, a share (percent) of the others, or all."""

    model_config = ConfigDict(json_schema_extra=_one_of)

    code: Code
    agents: Annotated[list[AgentId], Field(min_length=1, max_length=MOST_AGENTS)] | None = None
    share: Annotated[int, Field(ge=1, le=100)] | None = None
    all: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if sum(getattr(self, name) is not None for name in CHOICES) != 1:
            raise ValueError(f"give exactly one of {', '.join(CHOICES)}")
        return self
