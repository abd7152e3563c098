"""What one entry of a document says. Adding an operation is adding an entry to agent_api.py or an operator_….py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, get_args

from portcullis.domain.models import StrictModel

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method of a path. ``codes`` are the refusals of its own, beside those of the whole API, of its ``scope`` and of
    its ``body``. ``parameters`` and ``headers`` (of the success) are named in parts.py; those of the path are implied.
    """

    name: str
    method: str
    path: str
    summary: str
    answers: Mapping[int, Any]
    codes: Sequence[str] = ()
    scope: str | None = None
    body: type[StrictModel] | UnionType | None = None
    body_required: bool = True
    example: Any = None
    parameters: Sequence[str] = ()
    headers: Sequence[str] = ()

    @property
    def bodies(self) -> tuple[type[StrictModel], ...]:
        """The models of which the body is one."""
        return get_args(self.body) or ((self.body,) if self.body else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One document. ``security`` lists the alternatives, each a set of ``schemes`` that belong together; ``headers``
    are those of answers that counted for a rate."""

    title: str
    description: str
    port: int
    schemes: Mapping[str, Json]
    security: Sequence[Sequence[str]]
    codes: Sequence[str]
    operations: Sequence[Operation]
    headers: Sequence[str] = ()
