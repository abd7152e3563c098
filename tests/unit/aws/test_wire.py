"""Calls over one kept connection, against a server on loopback that does what it is told."""

import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from portcullis.aws.settings import AwsEnvironment
from portcullis.aws.wire import ATTEMPTS, AwsError, Service, Unavailable
from tests.unit.aws.scripted_server import CLOSE, ScriptedServer, answer, scripted

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ACCESS_KEY, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI-bPxRfiCYEXAMPLEKEY", "session-token-value"
OK = answer(200, b'{"ok":1}')


def refusal(code: str, status: int = 400) -> bytes:
    return answer(status, json.dumps({"__type": f"com.amazonaws.dynamodb#{code}", "message": "m"}).encode())


class Calls:
    """A service on a scripted server, and how long it slept between attempts."""

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.slept: list[float] = []
        environment = AwsEnvironment("us-east-1", ACCESS_KEY, SECRET, TOKEN, server.url)
        self.service = Service("dynamodb", environment, clock=lambda: 1_795_242_660.9, sleep=self.slept.append)

    def call(self) -> object:
        return self.service.json_call("DynamoDB_20120810.GetItem", "1.0", {"a": 1})


@contextmanager
def calls(*script: bytes) -> Iterator[Calls]:
    with scripted(*script) as server:
        made = Calls(server)
        try:
            yield made
        finally:
            made.service._close()


def test_a_call_is_signed_and_answered() -> None:
    with calls(OK) as made:
        assert made.call() == {"ok": 1}
        head, _, body = made.server.requests[0].partition(b"\r\n\r\n")

    lines = head.decode().split("\r\n")
    sent = dict(line.lower().split(": ", 1) for line in lines[1:])
    assert lines[0] == "POST / HTTP/1.1"
    assert body == b'{"a":1}'
    assert sent["host"] == made.server.url.removeprefix("http://")
    assert sent["x-amz-target"] == "dynamodb_20120810.getitem"
    assert sent["content-type"] == "application/x-amz-json-1.0"
    assert sent["x-amz-date"] == "20261121t063100z"
    assert sent["x-amz-security-token"] == TOKEN
    assert sent["authorization"].startswith(
        "aws4-hmac-sha256 credential=akiaiosfodnn7example/20261121/us-east-1/dynamodb/"
    )


def test_one_connection_is_kept() -> None:
    with calls(*[OK] * 5) as made:
        for _ in range(5):
            made.call()
        assert made.server.connections == 1
    assert made.slept == []


@pytest.mark.parametrize(
    "last", [answer(200, b'{"ok":1}', "Connection: close", "X-Then: close"), answer(200, b'{"ok":1}', "X-Then: close")]
)
def test_it_reconnects_after_the_server_closed(last: bytes) -> None:
    with calls(last, OK) as made:
        assert (made.call(), made.call()) == ({"ok": 1}, {"ok": 1})
        assert made.server.connections == 2


def test_a_connection_lost_in_a_call_is_tried_again() -> None:
    with calls(CLOSE, OK) as made:
        assert made.call() == {"ok": 1}
        assert made.server.requests[0] == made.server.requests[1]


TRANSIENT = [
    answer(500, b"boom"),
    answer(503, b""),
    refusal("InternalServerError", 500),
    refusal("ThrottlingException"),
    refusal("TransactionConflictException"),
    refusal("ProvisionedThroughputExceededException"),
    refusal("RequestLimitExceeded"),
    refusal("KMSInternalException", 500),
    answer(503, b"<Error><Code>SlowDown</Code></Error>"),
]


@pytest.mark.parametrize("transient", TRANSIENT)
def test_a_transient_failure_is_tried_again_on_the_same_connection(transient: bytes) -> None:
    with calls(transient, OK) as made:
        assert made.call() == {"ok": 1}
        assert made.server.connections == 1
    assert len(made.slept) == 1


@pytest.mark.parametrize("transient", [*TRANSIENT, CLOSE])
def test_it_is_unavailable_after_the_last_attempt(transient: bytes) -> None:
    with calls(*[transient] * ATTEMPTS) as made:
        with pytest.raises(Unavailable, match=r"^dynamodb: "):
            made.call()
        assert made.server.script == []
    assert len(made.slept) == ATTEMPTS - 1


def test_it_waits_with_jitter_up_to_a_growing_bound() -> None:
    with calls(*[TRANSIENT[0]] * ATTEMPTS) as made, pytest.raises(Unavailable):
        made.call()
    assert all(0 <= slept <= 0.05 * 2**attempt for attempt, slept in enumerate(made.slept, start=1))


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with scripted() as server:
        pass
    made = Calls(server)
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        made.call()


REFUSALS = [
    (refusal("ValidationException"), "ValidationException", 400),
    (refusal("ConditionalCheckFailedException"), "ConditionalCheckFailedException", 400),
    (answer(400, b'{"code":"AccessDenied"}'), "AccessDenied", 400),
    (answer(403, b"<Error><Code>AccessDenied</Code></Error>"), "AccessDenied", 403),
    (answer(404, b"<Error><Code>No end"), "Unknown", 404),
    (answer(404, b""), "Unknown", 404),
    (answer(400, b"[]"), "Unknown", 400),
    (answer(301, b""), "Unknown", 301),
]


@pytest.mark.parametrize(("refused", "code", "status"), REFUSALS)
def test_a_refusal_is_not_tried_again(refused: bytes, code: str, status: int) -> None:
    with calls(refused) as made:
        with pytest.raises(AwsError) as error:
            made.call()
        assert len(made.server.requests) == 1
    assert (error.value.code, error.value.status) == (code, status)
    assert made.slept == []


def test_a_refusal_carries_its_payload() -> None:
    with calls(refusal("TransactionCanceledException")) as made, pytest.raises(AwsError) as error:
        made.call()
    assert error.value.payload["message"] == "m"


def test_a_path_is_encoded_once_and_signed_as_sent() -> None:
    with calls(answer(200, b"body")) as made:
        assert made.service.request("GET", "/bucket/a b.json", {}) == b"body"
        assert made.server.requests[0].startswith(b"GET /bucket/a%20b.json HTTP/1.1\r\n")


def test_an_empty_answer_is_an_empty_object() -> None:
    with calls(answer(200, b"")) as made:
        assert made.call() == {}


FAILURES: list[tuple[bytes, ...]] = [(CLOSE,) * ATTEMPTS, (answer(500, b"x"),) * ATTEMPTS, (refusal("AccessDenied"),)]


@pytest.mark.parametrize("script", FAILURES)
def test_no_failure_shows_a_credential(script: tuple[bytes, ...]) -> None:
    with calls(*script) as made, pytest.raises((Unavailable, AwsError)) as failure:
        made.call()

    shown = "".join(traceback.format_exception(failure.value)) + repr(failure.value) + str(failure.value)
    assert not [secret for secret in (ACCESS_KEY, SECRET, TOKEN) if secret in shown]


@pytest.mark.parametrize("show", [repr, str])
def test_a_service_shows_no_credential(show: Callable[[object], str]) -> None:
    environment = AwsEnvironment("us-east-1", ACCESS_KEY, SECRET, TOKEN, None)
    shown = show(Service("dynamodb", environment)) + show(environment)
    assert not [secret for secret in (ACCESS_KEY, SECRET, TOKEN) if secret in shown]


def test_an_exchange_has_a_canonical_query_and_shows_headers() -> None:
    with calls(answer(200, b"<x/>", 'ETag: "e"')) as made:
        got = made.service.exchange("GET", "/bucket", {}, query={"start-after": "seg/1", "list-type": "2"})
        line = made.server.requests[0].split(b"\r\n")[0]
    assert line == b"GET /bucket?list-type=2&start-after=seg%2F1 HTTP/1.1"
    assert (got.content, got.headers["etag"]) == (b"<x/>", '"e"')
