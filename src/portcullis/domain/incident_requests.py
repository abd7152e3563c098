"""The bodies of the operator API about incidents."""

from typing import Annotated

from pydantic import Field

from portcullis.domain.agent_requests import Text
from portcullis.domain.models import StrictModel
from portcullis.domain.operator_requests import Reason


class NewIncident(StrictModel):
    """``POST /v1/agents/{agent}/incidents``: the agent is stopped at once. ``reference`` is where it came from; the
    same one again is the same trigger."""

    reason: Reason
    severity: Annotated[int, Field(ge=1, le=10)] = 8
    reference: Text | None = None
