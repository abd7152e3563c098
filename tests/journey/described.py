"""The OpenAPI documents as the deployed gateway is held against them."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.schemas import OpenApiSchema

DOCUMENTS = Path(__file__).parents[2] / "docs/openapi"
# A policy is one model in every body: each of its members is tried on PUT /policy and /v1/policies/validate.
POLICIES_TRIED_ELSEWHERE = [
    "POST /v1/agents",
    "PUT /v1/agents/{agent}/policy/draft",
    "PUT /v1/agents/{agent}/policy/shadow",
    "POST /v1/agents/{agent}/policy/backtest",
]
CONFIG: dict[str, Any] = {
    "seed": 1,
    "generation": {
        "max-examples": 12,
        "deterministic": True,
        "database": "none",
        "with-security-parameters": False,  # requests are signed by the tests
        "allow-extra-parameters": False,  # what no operation reads, as in most APIs, is ignored
    },
    "phases": {"coverage": {"unexpected-methods": []}},
    "operations": [
        {"include-name": name, "phases": {"coverage": {"enabled": False}}} for name in POLICIES_TRIED_ELSEWHERE
    ],
}
CONFORMANCE: list[Any] = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


def described(name: str) -> OpenApiSchema:
    """The document, closed: an answer may have no member that it does not name."""
    document = json.loads((DOCUMENTS / name).read_text())
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(CONFIG))


AGENT_API, OPERATOR_API = described("agent.json"), described("operator.json")


def hold_against(schema: OpenApiSchema, path: str, response: httpx.Response) -> None:
    """Fail unless ``response``, to a request for ``path`` below the stage, is one that the document gives there."""
    for template in schema:
        values = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", template), path)
        if values and response.request.method in schema[template]:
            operation = schema[template][response.request.method]
            operation.Case(path_parameters=values.groupdict()).validate_response(response, checks=CONFORMANCE)
