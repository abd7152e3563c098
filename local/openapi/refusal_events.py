"""The `data` of events that tell of refusals."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from portcullis.domain.operator_requests import Instant
from portcullis.domain.refusals import MAX_REQUEST_ID
from portcullis.protocol.problems import PROBLEMS


class Refused(TypedDict):
    """What every refusal tells. Refusals of one kind may be told in one event; `problem` is the code of the answer."""

    problem: Annotated[str, Field(json_schema_extra={"enum": [*PROBLEMS]})]
    status: Annotated[int, Field(ge=400, le=599)]
    count: Annotated[int, Field(ge=1, description="How many requests were refused so.")]
    first_at: Instant
    last_at: Instant


class AuthenticationRefused(Refused):
    """The authorizer refused requests. Nothing vouches for `key`: it is the one that they named, if any."""


class RequestRefused(Refused):
    """An API refused requests, or could not answer them. `actor` is who called the operator API."""

    method: str
    route: Annotated[str, Field(description="The resource, such as `/v1/transactions/{id}`.")]
    request_id: Annotated[str, Field(max_length=MAX_REQUEST_ID, description="Of the first of them.")]
    actor: NotRequired[str]
