"""Hostile targets over HTTP, in both schemes: as it was signed a request passes, changed on the way it does not.

http.client sends what it is given; httpx would tidy paths and merge headers.
"""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portcullis.client import MessageSignatureAuth, PortcullisAuth, hmac_signer
from portcullis.protocol import message_signatures as messages
from portcullis.protocol import public_keys, signing
from tests.journey.deployment import Agent, Deployment, fresh

SCHEMES = {
    "x-signature": signing.CREDENTIAL_HEADERS,
    "hmac-sha256": messages.CREDENTIAL_HEADERS,
    "ed25519": messages.CREDENTIAL_HEADERS,
}
HOSTILE: list[list[tuple[str, str]]] = [
    [("a", "")],
    [("", "a")],
    [("", "")],
    [("a", "1"), ("a", "2")],
    [("a", "2"), ("a", "1"), ("a", "2")],
    [("a", ""), ("a", "")],
    [("a", "1"), ("A", "1")],
    [("b", "1"), ("a", "2"), ("a-b", "3"), ("a.b", "4"), ("ab", "5")],
    [("a", "+")],
    [("a", " ")],
    [("a", "  1  ")],
    [("a", "1+1=2")],
    [("a", "%")],
    [("a", "%2F")],
    [("a", "%252F")],
    [("a", "%zz")],
    [("a", "/")],
    [("a", "//../.")],
    [("a", "&b=2")],
    [("a&b", "1")],
    [("a=b", "1=2")],
    [("a", ";b=2")],
    [("a;b", "1")],
    [("a", "?")],
    [("?a", "1")],
    [("a", "#b")],
    [("a", "|{}[]<>\"'`^\\")],
    [("a", "$(){}`id`")],
    [("a", "${context.authorizer.key}"), ("$context", "1")],
    [("a", "\0")],
    [("a", "\r\nX-Nonce: 1")],
    [("a", "\t")],
    [("a", "é")],
    [("a", "e\u0301")],
    [("a", "☃😀")],
    [("ключ", "値")],
    [("a", "\u202e\u200b\ufeff")],
    [("a", "\ufffd")],
    [("a", "~-._")],
    [("a", "!$'()*,:@")],
    [("a", "' OR 1=1 --")],
    [("__proto__", "1"), ("constructor", "2")],
    [("X-Amz-Signature", "1"), ("X-Nonce", "2")],
    [("a", "x" * 1500)],
    [(f"n{number}", str(number)) for number in range(40)],
]
SPELLINGS = {
    "another order": ("a=1&b=2", "b=2&a=1"),
    "a plus for a space": ("a=1%202", "a=1+2"),
    "lower-case hex": ("a=%C3%A9", "a=%c3%a9"),
    "an escape that need not be": ("a=~-._", "a=%7E%2d%2E%5f"),
    "no escape where none is needed to split": ("a=%2F%3F%3A%40", "a=/?:@"),
    "no equals sign": ("a=", "a"),
    "empty pairs": ("a=1&b=2", "&a=1&&b=2&"),
    "a semicolon, which splits": ("a=1&b=2", "a=1;b=2"),
}
every_scheme = pytest.mark.parametrize("scheme", SCHEMES)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    code: str | None


class Caller:
    """A key of one scheme, with requests as they go over the wire."""

    def __init__(self, deployment: Deployment, scheme: str) -> None:
        agent = deployment.agent()
        self.base, self.address = urlsplit(deployment.agent_url), agent.address
        self.auth = self._auth(deployment, agent, scheme)

    def _auth(self, deployment: Deployment, agent: Agent, scheme: str) -> httpx.Auth:
        if scheme == "x-signature":
            return PortcullisAuth(agent.key_id, agent.secret)
        if scheme == "hmac-sha256":
            return MessageSignatureAuth(agent.key_id, hmac_signer(agent.key_id, agent.secret))
        private_key = Ed25519PrivateKey.generate()
        body = {"public_key": public_keys.encode_ed25519(private_key.public_key().public_bytes_raw())}
        issued = deployment.operator("POST", f"/v1/agents/{agent.agent_id}/keys", body).json()
        return MessageSignatureAuth(issued["key_id"], messages.MessageSigner(scheme, private_key.sign))

    def signed(self, query: str = "") -> tuple[str, list[tuple[str, str]]]:
        """Target and headers of ``GET /v1/whoami`` as the SDK signs it."""
        request = httpx.Request("GET", f"{self.base.geturl()}/v1/whoami" + (f"?{query}" if query else ""))
        signed = next(self.auth.auth_flow(request))
        headers = [(name, value) for name, value in signed.headers.multi_items() if name != "host"]
        return signed.url.raw_path.decode(), [*headers, ("X-Forwarded-For", self.address)]

    def send(self, target: str, headers: list[tuple[str, str]]) -> Answer:
        """That target and those headers, byte for byte."""
        with closing(http.client.HTTPConnection(self.base.netloc, timeout=30)) as connection:
            connection.putrequest("GET", target, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return Answer(answer.status, json.loads(answer.read()).get("code"))


@pytest.fixture(scope="module")
def caller(deployment: Deployment) -> Callable[[str], Caller]:
    """One caller for each scheme."""
    return cache(lambda scheme: Caller(deployment, scheme))


def together(call: Callable[[Any], Answer], cases: list[Any]) -> Iterator[tuple[Any, Answer]]:
    with ThreadPoolExecutor(4) as threads:
        yield from zip(cases, threads.map(call, cases), strict=True)


def changed(target: str) -> str:
    """One byte of the query changed, so that another pair is delivered."""
    return target[:-1] + ("1" if target[-1] == "0" else "0") if target[-1].isalnum() else f"{target}0"


@every_scheme
def test_a_hostile_query_is_accepted_as_it_was_signed(caller: Callable[[str], Caller], scheme: str) -> None:
    agent = caller(scheme)

    def call(pairs: list[tuple[str, str]]) -> Answer:
        target, headers = agent.signed(signing.canonical_query(pairs))
        assert target.partition("?")[2] == signing.canonical_query(pairs)
        return agent.send(target, headers)

    for pairs, answer in together(call, HOSTILE):
        assert answer == Answer(200, None), pairs


@every_scheme
def test_one_byte_changed_on_the_way_is_refused(caller: Callable[[str], Caller], scheme: str) -> None:
    agent = caller(scheme)

    def call(pairs: list[tuple[str, str]]) -> Answer:
        target, headers = agent.signed(signing.canonical_query(pairs))
        return agent.send(changed(target), headers)

    for pairs, answer in together(call, HOSTILE):
        assert answer == Answer(401, "invalid_credentials"), pairs


@every_scheme
def test_another_spelling_of_the_same_pairs_is_accepted(caller: Callable[[str], Caller], scheme: str) -> None:
    agent = caller(scheme)
    for name, (query, spelling) in SPELLINGS.items():
        target, headers = agent.signed(query)
        assert target.partition("?")[2] == query
        assert agent.send(target.replace(query, spelling), headers) == Answer(200, None), name


@every_scheme
def test_other_pairs_that_look_alike_are_refused(caller: Callable[[str], Caller], scheme: str) -> None:
    agent = caller(scheme)
    for query, delivered in [("a=%2B", "a=+"), ("a=%252F", "a=%2F"), ("a=1%3Bb%3D2", "a=1;b=2"), ("a=%EF%BF%BD", "a=")]:
        target, headers = agent.signed(query)
        refused = agent.send(target.replace(query, delivered), headers)
        assert refused == Answer(401, "invalid_credentials"), (query, delivered)


MALFORMED, NO_ROUTE = Answer(401, "malformed_credentials"), Answer(404, "not_found")
PATHS = {
    "/v1/%77hoami": MALFORMED,
    "/v1/whoami%2F": MALFORMED,
    "/v1//whoami": MALFORMED,
    "/v1/whoami/": MALFORMED,
    "/v1/./whoami": NO_ROUTE,
    "/v1/x/../whoami": NO_ROUTE,
}


@every_scheme
def test_a_path_with_two_readings_is_refused(caller: Callable[[str], Caller], scheme: str) -> None:
    agent = caller(scheme)
    target, headers = agent.signed()
    for path, refused in PATHS.items():
        assert agent.send(target.replace("/v1/whoami", path), headers) == refused, path
    assert agent.send(target, headers) == Answer(200, None), "its nonce was not used up"


@every_scheme
def test_a_credential_given_twice_is_refused(caller: Callable[[str], Caller], scheme: str) -> None:
    agent = caller(scheme)
    target, headers = agent.signed()
    for name in SCHEMES[scheme]:
        (value,) = [value for found, value in headers if found.lower() == name.lower()]
        for again in ((name, value), (name.upper(), value), (name.lower(), "other")):
            for given in ([*headers, again], [again, *headers]):
                assert agent.send(target, given) == Answer(401, "malformed_credentials"), again
    assert agent.send(target, headers) == Answer(200, None)


@every_scheme
def test_a_request_id_of_the_clients_choice_does_not_pass_a_replay(
    caller: Callable[[str], Caller], scheme: str
) -> None:
    agent = caller(scheme)
    target, headers = agent.signed()
    chosen = [*headers, ("x-amzn-RequestId", fresh("chosen"))]
    assert agent.send(target, chosen) == Answer(200, None)
    assert agent.send(target, chosen) == Answer(401, "nonce_replayed")


def test_a_query_signed_by_hand_in_canonical_form_is_accepted(deployment: Deployment) -> None:
    agent, now = deployment.agent(), int(time.time())
    for pairs in HOSTILE[::5]:
        query = signing.canonical_query(pairs)
        answer = deployment.send(deployment.sign(agent, "GET", f"/v1/whoami?{query}", timestamp=now))
        assert answer.status_code == 200, (pairs, answer.text)
