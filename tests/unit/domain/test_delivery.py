"""What clients sign is what the authorizer rebuilds from API Gateway's event; what it cannot rebuild, both refuse."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.authorizer.handler import signed_request
from portcullis.client import InvalidRequestError, MessageSignatureAuth, PortcullisAuth
from portcullis.client.message_auth import MessageRequestSigner
from portcullis.client.signer import Signer
from portcullis.domain.verification import Verified
from portcullis.protocol import signing
from portcullis.protocol.credentials import Refused
from tests.unit.domain.builders import KEY_ID
from tests.unit.domain.signed_requests import (
    CREDENTIALS,
    HOSTILE,
    SCHEMES,
    SECONDS,
    Judge,
    message_signer,
    secret_of,
)

Event = dict[str, Any]
Pairs = list[tuple[str, str]]
HOST = "api.example.com"
PATH = "/test/v1/whoami"
UNRESERVED = "ABCxyz019-._~"
every_scheme = pytest.mark.parametrize("scheme", SCHEMES)
texts = st.lists(st.sampled_from([*HOSTILE, "😀", "e\u0301", "\u202e", "%00", "%zz", UNRESERVED]), max_size=3).map(
    "".join
)
queries = st.lists(st.tuples(texts, texts), max_size=5)


@st.composite
def written(draw: st.DrawFn, pairs: Pairs) -> str:
    """One of the ways to write a query by hand: any order, escapes that need not be, either case of hex, ``+``."""
    return "&".join(draw(st.permutations([_written(draw, pair) for pair in pairs])))


def _written(draw: st.DrawFn, pair: tuple[str, str]) -> str:
    name, value = ("".join(_spelt(draw, character) for character in text) for text in pair)
    return name if name and not value and draw(st.booleans()) else f"{name}={value}"


def _spelt(draw: st.DrawFn, character: str) -> str:
    escaped = "".join(f"%{byte:02X}" for byte in character.encode())
    plain = {" ": ["+"]}.get(character, [character] if character in UNRESERVED + "!$'()*,:@/?" else [])
    return draw(st.sampled_from([escaped, escaped.lower(), *plain]))


def sent(scheme: str, raw_query: str) -> httpx.Request:
    """The request as the SDK signs it and puts it on the wire."""
    auth: httpx.Auth = PortcullisAuth(KEY_ID, secret_of(KEY_ID), clock=lambda: SECONDS)
    if scheme != "x-signature":
        auth = MessageSignatureAuth(KEY_ID, message_signer(KEY_ID, scheme), clock=lambda: SECONDS)
    return next(auth.auth_flow(httpx.Request("GET", f"https://{HOST}{PATH}?{raw_query}")))


def event(request: httpx.Request, raw_query: str) -> Event:
    """The authorizer's event for ``request`` with that query: names and values decoded once, grouped by name."""
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.multi_items():
        headers.setdefault(name, []).append(value)
    parameters: dict[str, list[str]] = {}
    for name, value in delivered(raw_query):
        parameters.setdefault(name, []).append(value)
    return {
        "httpMethod": request.method,
        "requestContext": {"path": request.url.raw_path.decode().partition("?")[0], "identity": {"sourceIp": "::1"}},
        "multiValueHeaders": headers,
        "multiValueQueryStringParameters": parameters or None,
    }


def delivered(raw_query: str) -> Iterator[tuple[str, str]]:
    """The pairs of a query, read without the help of what is tested."""
    for pair in filter(None, raw_query.split("&")):
        name, _, value = pair.partition("=")
        yield _decoded(name), _decoded(value)


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode()


@every_scheme
@settings(max_examples=30)
@given(st.data(), queries)
def test_client_and_authorizer_agree_on_any_query(scheme: str, data: st.DataObject, pairs: Pairs) -> None:
    request = sent(scheme, data.draw(written(pairs)))
    wire = request.url.query.decode()

    assert wire == signing.canonical_query(pairs)
    read = signed_request(event(request, wire))
    assert sorted(read.query) == sorted(pairs)
    assert isinstance(Judge(scheme)(read), Verified)


@every_scheme
@settings(max_examples=30)
@given(st.data(), queries)
def test_another_spelling_on_the_way_is_the_same_query(scheme: str, data: st.DataObject, pairs: Pairs) -> None:
    request = sent(scheme, data.draw(written(pairs)))
    assert isinstance(Judge(scheme)(signed_request(event(request, data.draw(written(pairs))))), Verified)


segments = st.lists(st.sampled_from(["test", "v1", "a.b", "...", "~", "x=1;y"]), min_size=1, max_size=3)
hazards = st.sampled_from(
    ["", ".", "..", "%", "%2e%2E", "a%2Fb", "%77hoami", "a?", "a#", "é", "a\\b", "a b", "a\n", "\0"]
)


@st.composite
def hazardous_paths(draw: st.DrawFn) -> str:
    """A path with one segment that has more than one reading; an empty one at the end is a slash too many."""
    around, hazard = draw(segments), draw(hazards)
    at = draw(st.integers(0, len(around)))
    return "/" + "/".join([*around[:at], hazard, *around[at:]])


@every_scheme
@settings(max_examples=30)
@given(hazardous_paths())
def test_a_path_with_two_readings_is_neither_signed_nor_judged(scheme: str, path: str) -> None:
    given, judge = event(sent(scheme, ""), ""), Judge(scheme)
    given["requestContext"]["path"] = path

    assert judge(signed_request(given)) == Refused("malformed_credentials")
    assert judge.steps == []
    if "?" not in path:
        with pytest.raises(InvalidRequestError, match="path: "):
            signer_of(scheme)("GET", path, b"")


def signer_of(scheme: str) -> Callable[[str, str, bytes], object]:
    if scheme == "x-signature":
        return Signer(KEY_ID, secret_of(KEY_ID)).sign
    signer = MessageRequestSigner(KEY_ID, message_signer(KEY_ID, scheme))
    return lambda method, target, body: signer.sign(method, target, body, [HOST])


@every_scheme
@settings(max_examples=30)
@given(st.data())
def test_a_credential_given_twice_is_refused(scheme: str, data: st.DataObject) -> None:
    """The same value or another, one header of two values or two that differ in case."""
    given, judge = event(sent(scheme, "a=1"), "a=1"), Judge(scheme)
    name = data.draw(st.sampled_from(CREDENTIALS[scheme])).lower()
    (value,) = given["multiValueHeaders"].pop(name)
    again: Sequence[str] = [value, data.draw(st.sampled_from([value, "", " ", f"{value}0", f"{value}, {value}"]))]
    cases = [str.upper, str.lower, str.title, str.swapcase]
    for spell, one in zip(data.draw(st.permutations(cases)), data.draw(st.permutations(again)), strict=False):
        given["multiValueHeaders"].setdefault(spell(name), []).append(one)

    assert judge(signed_request(given)) == Refused("malformed_credentials")
    assert judge.steps == []
