"""The refusals of an operation: one response for each status, listing exactly the codes that it can have."""

from collections.abc import Iterable
from dataclasses import dataclass

from local.openapi.answers import Problem
from local.openapi.operation import Api, Json, Operation
from local.openapi.schemas import reference
from portcullis.protocol.problems import CONTENT_TYPE, PROBLEMS, problem_body

REQUEST_ID = "6f1a2c4e-58d9-4c0e-9a57-0d4a3b1f7c22"
RETRYABLE = (429, 503)
COUNTED = {"rate_limited", "policy_denied"}
"""Refusals of requests that a rate had counted, or would have."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The codes of one status."""

    status: int
    codes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The component's name, which says it all."""
        return ".".join((str(self.status), *self.codes))


def refusals_of(api: Api, operation: Operation) -> list[Refusal]:
    """Every refusal that ``operation`` can give, by status."""
    possible = {*api.codes, *operation.codes}
    possible |= {"scope_missing"} if operation.scope else set()
    possible |= {"too_large"} if operation.body else set()
    by_status: dict[int, list[str]] = {}
    for code, problem in PROBLEMS.items():
        if code in possible:
            by_status.setdefault(problem.status, []).append(code)
    return [Refusal(status, tuple(codes)) for status, codes in sorted(by_status.items())]


def render(api: Api, refusal: Refusal) -> Json:
    """The response object."""
    names = api.headers if COUNTED & set(refusal.codes) else ()
    names = (*names, *(("Retry-After",) if refusal.status in RETRYABLE else ()))
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    schema = {"allOf": [reference(Problem), {"properties": {"code": {"enum": list(refusal.codes)}}}]}
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in refusal.codes}
    return {
        "description": "; ".join(PROBLEMS[code].title for code in refusal.codes),
        **({"headers": headers} if headers else {}),
        "content": {CONTENT_TYPE: {"schema": schema, "examples": examples}},
    }


def examples_of(refusals: Iterable[Refusal]) -> Json:
    """A body of each code."""
    codes = {code for refusal in refusals for code in refusal.codes}
    return {code: {"value": problem_body(code, REQUEST_ID)} for code in PROBLEMS if code in codes}
