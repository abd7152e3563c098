"""Answers of the gateway itself, and what its authorizer and functions are given."""

import json

import pytest

from tests.local.conftest import Deployed


def test_denial_carries_the_authorizers_context(deployed: Deployed) -> None:
    answer = deployed.agent("GET", "/local/echo", [("x-mode", "deny")])
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-code"] == "nonce_replayed"
    body = answer.json()
    assert body == {
        "code": "nonce_replayed",
        "detail": "Use a new nonce.",
        "request_id": answer.headers["x-amzn-requestid"],
    }


@pytest.mark.parametrize(
    ("mode", "status", "code"),
    [
        ("raise", 503, "dependency_unavailable"),
        ("slow", 503, "dependency_unavailable"),
        ("unauthorized", 401, "default_4xx"),
    ],
)
def test_authorizer_faults(deployed: Deployed, mode: str, status: int, code: str) -> None:
    answer = deployed.agent("GET", "/local/echo", [("x-mode", mode)])
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get("retry-after") == ("2" if status == 503 else None)


@pytest.mark.parametrize("path", ["/local/nowhere", "/local/trivial/more"])
def test_unknown_route(deployed: Deployed, path: str) -> None:
    answer = deployed.agent("GET", path, [("X-Forwarded-For", "198.51.100.7, 10.0.0.1")])
    assert (answer.status, answer.json()) == (404, {"code": "not_found", "from": "198.51.100.7"})


def test_unserved_method(deployed: Deployed) -> None:
    assert deployed.agent("DELETE", "/local/trivial").status == 404


@pytest.mark.parametrize("mode", ["fail", "nonsense"])
def test_function_fault_shows_no_internals(deployed: Deployed, mode: str) -> None:
    answer = deployed.agent("GET", "/local/echo", [("x-mode2", mode)])
    assert (answer.status, answer.json()) == (502, {"code": "default_5xx"})


def test_a_function_that_did_not_permit_the_gateway(deployed: Deployed) -> None:
    answer = deployed.agent("GET", "/local/closed")
    assert (answer.status, answer.json()) == (500, {"code": "default_5xx"})


def test_events_show_the_request_as_it_was_sent(deployed: Deployed) -> None:
    headers = [("X-Nonce", "one"), ("X-Nonce", "two"), ("X-Forwarded-For", "198.51.100.7")]
    answer = deployed.agent("GET", "/local/echo?b=2&a=%2Fx&a=1", headers)
    event = answer.json()["event"]
    seen = json.loads(event["requestContext"]["authorizer"]["seen"])
    for given in (event, seen):
        assert given["multiValueHeaders"]["x-nonce"] == ["one", "two"]
        assert given["headers"]["x-nonce"] == "two"
        assert given["multiValueQueryStringParameters"] == {"a": ["/x", "1"], "b": ["2"]}
        context = given["requestContext"]
        assert context["path"] == "/local/echo"
        assert context["protocol"] == "HTTP/1.1"
        assert context["identity"]["sourceIp"] == "198.51.100.7"
        assert context["requestId"] == answer.headers["x-amzn-requestid"]
    assert event["requestContext"]["authorizer"]["number"] == "7"
    assert "body" not in seen


QUERIES = {
    "a=%2B+%252F&a=&b": {"a": ["+ %2F", ""], "b": [""]},
    "a=1;b=2&c=3%3B4": {"a": ["1"], "b": ["2"], "c": ["3;4"]},
    "%C3%A9=%F0%9F%98%80&%26%3D=%00": {"é": ["😀"], "&=": ["\0"]},
    "": None,
}


@pytest.mark.parametrize("query", QUERIES)
def test_the_query_is_delivered_decoded_once(deployed: Deployed, query: str) -> None:
    event = deployed.agent("GET", f"/local/echo?{query}").json()["event"]
    seen = json.loads(event["requestContext"]["authorizer"]["seen"])
    assert seen["multiValueQueryStringParameters"] == QUERIES[query]
    assert event["multiValueQueryStringParameters"] == QUERIES[query]


@pytest.mark.parametrize("character", "|{}")
def test_what_a_query_may_not_hold_reaches_nothing(deployed: Deployed, character: str) -> None:
    assert deployed.agent("GET", f"/local/echo?a={character}").status == 400


def test_listener_adds_and_drops_no_header(deployed: Deployed) -> None:
    event = deployed.agent("POST", "/local/echo", [("x-only", "1")], b'{"a": 1}').json()["event"]
    assert event["multiValueHeaders"] == {
        "host": [f"127.0.0.1:{deployed.ports.agent}"],
        "x-only": ["1"],
        "content-length": ["8"],
    }
    assert (event["body"], event["isBase64Encoded"]) == ('{"a": 1}', False)


@pytest.mark.parametrize("path", ["/local/%65cho", "/local//echo", "/local/./echo"])
def test_path_reaches_the_authorizer_undecoded(deployed: Deployed, path: str) -> None:
    answer = deployed.agent("GET", path)
    if answer.status == 200:
        assert answer.json()["event"]["requestContext"]["path"] == path


def test_control_paths_are_not_served_on_an_apis_port(deployed: Deployed) -> None:
    answer = deployed.agent("POST", "/_ministack/reset")
    assert answer.status == 403
    assert deployed.agent("GET", "/local/trivial").status == 200
