"""An OpenAPI 3.1 document from its entries."""

import json
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from local.openapi.agent_api import AGENT_API
from local.openapi.operation import Api, Json, Operation
from local.openapi.operator_api import OPERATOR_API
from local.openapi.parts import HEADERS, PARAMETERS
from local.openapi.refusals import examples_of, refusals_of, render
from local.openapi.schemas import components, reference

FOLDER = Path(__file__).parents[2] / "docs/openapi"
DOCUMENTS: Mapping[str, Api] = {"agent.json": AGENT_API, "operator.json": OPERATOR_API}


def text(api: Api) -> str:
    """The document as it is written to its file."""
    return json.dumps(document(api), indent=2, ensure_ascii=False) + "\n"


def document(api: Api) -> Json:
    """The document of one API."""
    paths: dict[str, Json] = {}
    for operation in api.operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(api, operation)
    parameters = {name for operation in api.operations for name in _parameters(operation)}
    headers = {name for operation in api.operations for name in operation.headers} | {"Retry-After", *api.headers}
    refusals = [refusal for operation in api.operations for refusal in refusals_of(api, operation)]
    return {
        "openapi": "3.1.0",
        "info": {"title": api.title, "version": "1", "description": api.description},
        "servers": _servers(api),
        "security": [{name: [] for name in alternative} for alternative in api.security],
        "paths": paths,
        "components": {
            "securitySchemes": dict(api.schemes),
            "parameters": _chosen(PARAMETERS, parameters),
            "headers": _chosen(HEADERS, headers),
            "responses": {refusal.name: render(api, refusal) for refusal in refusals},
            "examples": examples_of(refusals),
            "schemas": components(api.operations),
        },
    }


def _operation(api: Api, operation: Operation) -> Json:
    rendered: Json = {"operationId": operation.name, "summary": operation.summary}
    if operation.scope:
        rendered["description"] = f"The key needs the scope `{operation.scope}`."
    if parameters := _parameters(operation):
        rendered["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in parameters]
    if operation.body:
        schemas = [reference(body) for body in operation.bodies]
        schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        content = {"schema": schema, "example": operation.example}
        rendered["requestBody"] = {"required": operation.body_required, "content": {"application/json": content}}
    successes = {str(status): _success(api, operation, status) for status in operation.answers}
    refusals = refusals_of(api, operation)
    refused = {str(each.status): {"$ref": f"#/components/responses/{each.name}"} for each in refusals}
    return {**rendered, "responses": successes | refused}


def _success(api: Api, operation: Operation, status: int) -> Json:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in (*api.headers, *operation.headers)}
    content = {"application/json": {"schema": reference(operation.answers[status])}}
    return {"description": HTTPStatus(status).phrase, **({"headers": headers} if headers else {}), "content": content}


def _parameters(operation: Operation) -> list[str]:
    return [*re.findall(r"{(\w+)}", operation.path), *operation.parameters]


def _chosen(parts: Mapping[str, Any], names: Iterable[str]) -> Json:
    wanted = set(names)
    return {name: part for name, part in parts.items() if name in wanted}


def _servers(api: Api) -> list[Json]:
    deployed = {
        "url": "https://{api_id}.execute-api.{region}.amazonaws.com/{stage}",
        "description": "Deployed: an output of the gateway's stack",
        "variables": {
            "api_id": {"default": "a1b2c3d4e5"},
            "region": {"default": "eu-west-1"},
            "stage": {"default": "live", "enum": ["test", "live"]},
        },
    }
    return [deployed, {"url": f"http://127.0.0.1:{api.port}/local", "description": "`make up`, on this machine"}]
