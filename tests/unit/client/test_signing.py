"""What is signed is what is sent, through httpx and through requests."""

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import BaseAdapter

from portcullis.client import InvalidRequestError, PortcullisAuth, PortcullisRequestsAuth
from portcullis.protocol import signing
from tests.unit.client.world import KEY_ID, SECRET, URL, assert_signed

Sent = tuple[str, str, bytes, Callable[[str], str]]
Pairs = list[tuple[str, str]]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
queries = st.lists(st.tuples(texts, texts), max_size=5)
nonces = (f"nonce-{number:020d}" for number in range(10**9))


class Recorder(BaseAdapter):
    """A requests adapter that answers from a script and keeps what it would have sent."""

    def __init__(self, *redirects: str) -> None:
        super().__init__()
        self.redirects = list(redirects)
        self.sent: list[tuple[str, dict[str, str]]] = []

    def send(self, request: requests.PreparedRequest, *_args: Any, **_options: Any) -> requests.Response:
        self.sent.append((str(request.url), dict(request.headers)))
        answer = requests.Response()
        answer.request, answer.url, answer.raw, answer.status_code = request, str(request.url), io.BytesIO(), 200
        if self.redirects:
            answer.status_code, answer.headers["Location"] = 307, self.redirects.pop(0)
        return answer

    def close(self) -> None:
        pass


def through_httpx(method: str, url: str, **options: Any) -> Sent:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    auth = PortcullisAuth(KEY_ID, SECRET, nonce=lambda: next(nonces))
    with httpx.Client(auth=auth, transport=httpx.MockTransport(answer)) as client:
        client.request(method, url, **options)
    request = sent[0]
    return request.method, request.url.raw_path.decode(), request.content, lambda name: request.headers[name]


def through_requests(method: str, url: str, **options: Any) -> Sent:
    options["data"] = options.pop("content", None)
    auth = PortcullisRequestsAuth(KEY_ID, SECRET, nonce=lambda: next(nonces))
    request = requests.Request(method, url, auth=auth, **options).prepare()
    body = request.body or b""
    assert isinstance(body, bytes)
    return str(request.method), request.path_url, body, lambda name: request.headers[name]


both = pytest.mark.parametrize("send", [through_httpx, through_requests])


@both
@given(query=queries, body=st.binary(max_size=64))
def test_the_bytes_signed_are_the_bytes_sent(send: Callable[..., Sent], query: Pairs, body: bytes) -> None:
    method, target, content, header = send("POST", f"{URL}/v1/transactions", params=query, content=body)
    assert content == body
    assert_signed(method, target, body, header)


@both
@given(query=queries.filter(lambda pairs: ("", "") not in pairs))
def test_the_query_is_sent_in_canonical_form_with_every_pair(send: Callable[..., Sent], query: Pairs) -> None:
    _, target, _, _ = send("GET", f"{URL}/v1/whoami", params=query)
    sent = target.partition("?")[2]
    assert sent == signing.canonical_query(query)
    assert sorted(parse_qsl(sent, keep_blank_values=True)) == sorted(query)


@both
@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("b=2&a=1&a=0", "a=0&a=1&b=2"),
        ("q=a+b", "q=a%20b"),
        ("q=a%2Bb", "q=a%2Bb"),
        ("flag", "flag="),
        ("z=%7e&y=%c3%a9", "y=%C3%A9&z=~"),
    ],
)
def test_a_query_written_by_hand_is_rewritten(send: Callable[..., Sent], written: str, canonical: str) -> None:
    method, target, body, header = send("GET", f"{URL}/v1/whoami?{written}")
    assert target == f"/local/v1/whoami?{canonical}"
    assert_signed(method, target, body, header)


@both
@pytest.mark.parametrize("path", ["/v1/a%2Fb", "/v1//whoami", "/v1/whoami/", "/v1/caf\u00e9", ""])
def test_a_path_without_a_signed_form_is_refused(send: Callable[..., Sent], path: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"cannot be signed\. path: expected an absolute path"):
        send("GET", f"https://gateway.example.com{path or '/'}")


@pytest.mark.parametrize("path", ["/local/./v1", "/local/../v1", "/local/.."])
def test_dot_segments_are_refused(path: str) -> None:
    signer = PortcullisAuth(KEY_ID, SECRET)._signer
    with pytest.raises(InvalidRequestError, match=r"path: no \. or \.\. segments"):
        signer.sign("GET", path, b"")


@both
def test_a_query_that_is_not_text_is_refused(send: Callable[..., Sent]) -> None:
    with pytest.raises(InvalidRequestError, match="valid UTF-8"):
        send("GET", f"{URL}/v1/whoami?a=%ff")


def test_text_is_signed_and_sent_as_utf8_by_requests() -> None:
    method, target, content, header = through_requests("POST", f"{URL}/v1/transactions", content="caf\u00e9")
    assert (content, header("Content-Length")) == ("caf\u00e9".encode(), "5")
    assert_signed(method, target, content, header)


def test_a_stream_is_refused_by_requests() -> None:
    with pytest.raises(InvalidRequestError, match="streamed body"):
        through_requests("POST", f"{URL}/v1/transactions", content=io.BytesIO(b"x"))


def test_a_stream_is_read_and_signed_by_httpx() -> None:
    method, target, content, header = through_httpx("POST", f"{URL}/v1/transactions", content=iter([b"a", b"b"]))
    assert content == b"ab"
    assert_signed(method, target, content, header)


@both
def test_credentials_that_were_there_already_are_replaced(send: Callable[..., Sent]) -> None:
    method, target, body, header = send("GET", f"{URL}/v1/whoami", headers={"x-nonce": "stale", "x-api-key": "other"})
    assert_signed(method, target, body, header)


@pytest.mark.parametrize("place", ["https://elsewhere.example.com/local/v1/whoami", "/local/v1/other"])
def test_a_redirect_takes_no_credentials_along(place: str) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(307, headers={"Location": place}) if len(seen) == 1 else httpx.Response(200)

    auth, transport = PortcullisAuth(KEY_ID, SECRET), httpx.MockTransport(answer)
    with httpx.Client(auth=auth, transport=transport, follow_redirects=True) as client:
        client.get(f"{URL}/v1/whoami", headers={"X-Other": "kept"})
    assert seen[1].headers["X-Other"] == "kept"
    assert set(signing.CREDENTIAL_HEADERS) <= {name.decode() for name, _ in seen[0].headers.raw}
    assert not {name.lower() for name in signing.CREDENTIAL_HEADERS} & set(seen[1].headers)


@pytest.mark.parametrize("place", ["https://elsewhere.example.com/local/v1/whoami", "/local/v1/other"])
def test_a_redirect_of_requests_takes_no_credentials_along(place: str) -> None:
    adapter = Recorder(place)
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", adapter)
        session.auth = PortcullisRequestsAuth(KEY_ID, SECRET)
        session.get(f"{URL}/v1/whoami", headers={"X-Other": "kept"})
    (_, first), (_, second) = adapter.sent
    assert set(signing.CREDENTIAL_HEADERS) <= set(first)
    assert second["X-Other"] == "kept"
    assert not set(signing.CREDENTIAL_HEADERS) & set(second)
