"""What the authorizer reads from API Gateway's event: names in any case, every value, the believed address only."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.authorizer.handler import signed_request
from portcullis.protocol.signing import CREDENTIAL_HEADERS

EVENT = Path(__file__).parents[3] / "events" / "authorizer/request.json"


@pytest.fixture
def event() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(EVENT.read_text())
    loaded["multiValueHeaders"] = {name: [f"value of {name}"] for name in CREDENTIAL_HEADERS}
    return loaded


@pytest.mark.parametrize("spell", [str, str.lower, str.upper, str.title])
def test_names_in_any_case(event: dict[str, Any], spell: type[str]) -> None:
    headers = {spell(name): values for name, values in event["multiValueHeaders"].items()}
    read = signed_request({**event, "multiValueHeaders": headers}).headers
    assert read == {name.lower(): [f"value of {name}"] for name in CREDENTIAL_HEADERS}


def test_the_same_name_in_two_cases_is_given_twice(event: dict[str, Any]) -> None:
    event["multiValueHeaders"] = {"X-Nonce": ["a"], "x-nonce": ["b", "c"]}
    assert signed_request(event).headers == {"x-nonce": ["a", "b", "c"]}


def test_single_valued_headers_are_not_read(event: dict[str, Any]) -> None:
    event["headers"] = {"X-Nonce": "other"}
    event["multiValueHeaders"] = None
    assert signed_request(event).headers == {}


def test_every_value_of_the_query_is_read(event: dict[str, Any]) -> None:
    event["multiValueQueryStringParameters"] = {"a": ["1", "2", "1"], "b": [""]}
    assert list(signed_request(event).query) == [("a", "1"), ("a", "2"), ("a", "1"), ("b", "")]


def test_no_query(event: dict[str, Any]) -> None:
    event["multiValueQueryStringParameters"] = None
    assert list(signed_request(event).query) == []


def test_only_the_gateways_own_address_is_believed(event: dict[str, Any]) -> None:
    event["requestContext"]["identity"]["sourceIp"] = "203.0.113.7"
    event["multiValueHeaders"] |= {"X-Forwarded-For": ["198.51.100.1"], "Forwarded": ["for=198.51.100.1"]}
    assert signed_request(event).source_ip == "203.0.113.7"


def test_the_path_is_that_of_the_request_line(event: dict[str, Any]) -> None:
    event["path"] = "/v1/other"
    event["requestContext"]["path"] = "/test/v1/whoami"
    assert signed_request(event).path == "/test/v1/whoami"
