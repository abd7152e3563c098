"""The `data` of events that tell of requests: how they were answered, and how many."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from local.openapi.answers import Country
from portcullis.domain.operator_requests import Instant
from portcullis.domain.request_sums import MAX_REQUEST_ID
from portcullis.protocol.problems import PROBLEMS

Route = Annotated[str, Field(description="The resource, such as `/v1/transactions/{id}`.")]


class Answered(TypedDict):
    """What all of them tell. Requests that were answered alike may be told in one event."""

    count: Annotated[int, Field(ge=1, description="How many requests were answered so.")]
    first_at: Instant
    last_at: Instant


class Refused(Answered):
    """What every refusal tells; `problem` is the code of the answer."""

    problem: Annotated[str, Field(json_schema_extra={"enum": [*PROBLEMS]})]
    status: Annotated[int, Field(ge=400, le=599)]


class AuthenticationRefused(Refused):
    """The authorizer refused requests. Nothing vouches for `key`: it is the one that they named, if any."""


class RequestRefused(Refused):
    """An API refused requests, or could not answer them. `actor` is who called the operator API."""

    method: str
    route: Route
    request_id: Annotated[str, Field(max_length=MAX_REQUEST_ID, description="Of the first of them.")]
    actor: NotRequired[str]
    country: NotRequired[Country]


class RequestServed(Answered):
    """The agent API served requests other than payments, which have events of their own. Where one event tells of
    several keys and addresses of an agent, `key` is null and `ip` empty; where it tells of several agents, `agent` is
    null too."""

    method: str
    route: Route
    status: Annotated[int, Field(ge=200, le=299)]
    country: NotRequired[Country]
