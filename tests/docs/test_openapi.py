"""The OpenAPI documents are what the code says today. That the deployed gateway answers so is a journey's claim."""

import json
from typing import Any

import pytest
from openapi_spec_validator import validate as validate_document

from functions.agent_api import handler as agent_api
from functions.agent_keys import handler as agent_keys
from functions.operator_api import handler as operator_api
from local.openapi.document import DOCUMENTS, FOLDER, text
from local.openapi.operation import Api, Operation
from portcullis.domain.models import validate
from portcullis.domain.transaction import TransactionRequest, parse_transaction
from portcullis.protocol.problems import PROBLEMS

ROUTES = {"agent.json": [*agent_api.ROUTES, *agent_keys.ROUTES], "operator.json": [*operator_api.ROUTES]}
OPERATIONS = [operation for api in DOCUMENTS.values() for operation in api.operations]


@pytest.fixture(params=DOCUMENTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def document(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / name).read_text())
    return document


def test_the_file_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text() == text(DOCUMENTS[name]), "run `make openapi`"


def test_no_other_file_is_there() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(DOCUMENTS)


def test_it_is_openapi(document: dict[str, Any]) -> None:
    validate_document(document)
    assert document["openapi"].startswith("3.1.")


def test_it_describes_the_routes_of_the_function_and_no_other(name: str) -> None:
    described = [(operation.method, operation.path) for operation in DOCUMENTS[name].operations]
    assert sorted(described) == sorted(ROUTES[name])


def test_operations_are_named_once(name: str) -> None:
    names = [operation.name for operation in DOCUMENTS[name].operations]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere_and_every_component_is_used(document: dict[str, Any]) -> None:
    components = {f"#/components/{kind}/{each}" for kind, held in document["components"].items() for each in held}
    schemes = {f"#/components/securitySchemes/{each}" for one in document["security"] for each in one}
    assert set(references(document)) | schemes == components


def references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for each in value for found in references(each)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [found for each in value.values() for found in references(each)]


def test_every_code_is_a_refusal_of_some_operation() -> None:
    given = {code for api in DOCUMENTS.values() for operation in api.operations for code in codes(api, operation)}
    assert given == set(PROBLEMS)


def codes(api: Api, operation: Operation) -> set[str]:
    document = json.loads(text(api))
    responses = document["paths"][operation.path][operation.method.lower()]["responses"]
    named = [answer["$ref"].rpartition("/")[2] for answer in responses.values() if "$ref" in answer]
    return {code for each in named for code in each.split(".")[1:]}


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.body], ids=lambda each: each.name)
def test_the_example_of_a_body_is_accepted(operation: Operation) -> None:
    if operation.body is TransactionRequest:
        assert parse_transaction(json.dumps(operation.example)).kind == "transfer"
    else:
        assert validate(operation.bodies[-1], operation.example).model_fields_set == set(operation.example)
