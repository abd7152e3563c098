"""Events reach the team's URL signed, and those that are not taken come again, later each time."""

import json
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from moto.sqs.models import sqs_backends

from functions.webhooks import handler as webhooks
from portcullis.aws import settings
from portcullis.aws.secrets_manager import SecretsManager
from portcullis.aws.webhooks import Backoff, Webhook
from portcullis.aws.wire import Service
from portcullis.protocol.webhooks import signed_headers
from tests.functions.api_events import REGION, load_event
from tests.functions.deployed import Deployed, unique

SECRET = b64encode(b"a secret of more than 24 bytes").decode()
Headers = dict[str, str]


class Receiver:
    """The team's server: what it got, and what it answers."""

    def __init__(self) -> None:
        self.status, self.got = 204, list[tuple[str, Headers, bytes]]()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append((self.path, {name.lower(): text for name, text in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks?team=1"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


@pytest.fixture
def queue(stack: Deployed, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A message as Lambda hands it over; the function's settings name its queue, the receiver and a secret."""
    options: Any = {"endpoint_url": stack.endpoint, "region_name": REGION}
    options |= {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    sqs = boto3.client("sqs", **options)
    url = sqs.create_queue(QueueName=unique("webhooks"))["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    (taken,) = sqs.receive_message(QueueUrl=url)["Messages"]
    secret = boto3.client("secretsmanager", **options).create_secret(Name=unique("webhook"), SecretString=SECRET)
    monkeypatch.setenv("QUEUE_URL", url)
    monkeypatch.setenv("WEBHOOK_URL", receiver.url)
    monkeypatch.setenv("WEBHOOK_SECRET", secret["ARN"])
    webhooks.webhook.cache_clear()
    yield taken["ReceiptHandle"]
    webhooks.webhook.cache_clear()


def handle(receipt: str, deliveries: int = 1, **envelope: Any) -> bool:
    """Whether the event file's finding, or another event, was done with."""
    batch = load_event("notifier/batch.json")
    (message,) = batch["Records"]
    body = json.loads(message["body"])
    body["detail"] |= envelope
    message |= {"body": json.dumps(body), "receiptHandle": receipt}
    message["attributes"]["ApproximateReceiveCount"] = str(deliveries)
    failed: list[Any] = webhooks.handler(batch, None)["batchItemFailures"]
    return not failed


def kept_back(receipt: str) -> float:
    """For how many seconds after it was received the queue shows a message to nobody."""
    queues: Any = sqs_backends["123456789012"][REGION].queues.values()
    (message,) = (each for queue in queues for each in queue._messages if each.had_receipt_handle(receipt))
    return float(message.visible_at - message.approximate_first_receive_timestamp) / 1_000


def test_an_event_arrives_as_it_is_and_signed(receiver: Receiver, queue: str) -> None:
    assert handle(queue)
    ((path, headers, body),) = receiver.got
    assert path == "/hooks?team=1"
    event = json.loads(body)
    assert (event["type"], event["data"]["severity"]) == ("finding.opened", 6)
    signed = signed_headers(SECRET, event["id"], int(headers["webhook-timestamp"]), body)
    assert {name: headers[name] for name in signed} == signed
    assert headers["content-type"] == "application/json"


def test_a_new_secret_is_taken_within_five_minutes_under_traffic_too(stack: Deployed, receiver: Receiver) -> None:
    now, other = 1_000.0, b64encode(b"another one of more than 24 bytes").decode()
    secrets = Service("secretsmanager", settings.aws())
    arn = secrets.json_call("secretsmanager.CreateSecret", "1.1", {"Name": unique("w"), "SecretString": SECRET})["ARN"]
    webhook = Webhook(receiver.url, arn, SecretsManager(secrets), lambda: now)
    for now, secret in ((1_000.0, SECRET), (1_200.0, SECRET), (1_400.0, other)):
        webhook.post({"id": "in_1#1"})
        _, headers, body = receiver.got[-1]
        assert headers["webhook-signature"] == signed_headers(secret, "in_1#1", int(now), body)["webhook-signature"]
        secrets.json_call("secretsmanager.PutSecretValue", "1.1", {"SecretId": arn, "SecretString": other})


def test_what_nobody_has_to_act_on_is_not_posted(receiver: Receiver, queue: str) -> None:
    assert handle(queue, type="finding.released")
    assert handle(queue, data={"severity": 4})
    assert receiver.got == []


@pytest.mark.parametrize("status", [302, 400, 410, 500])
def test_what_is_not_taken_comes_again_and_no_redirect_is_followed(receiver: Receiver, queue: str, status: int) -> None:
    receiver.status = status
    assert not handle(queue)
    assert [path for path, _, _ in receiver.got] == ["/hooks?team=1"]


def test_each_time_later(receiver: Receiver, queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver.status = 500
    waits: list[tuple[str, int]] = []
    monkeypatch.setattr(Backoff, "_change", lambda _, receipt, seconds: waits.append((receipt, seconds)))
    for deliveries in (1, 2, 3, 10, 11, 12, 900):
        assert not handle(queue, deliveries)
    assert waits == [(queue, seconds) for seconds in (30, 60, 120, 15_360, 21_600, 21_600, 21_600)]


def test_the_queue_keeps_it_back(receiver: Receiver, queue: str) -> None:
    receiver.status = 500
    assert not handle(queue, 4)
    assert 230 < kept_back(queue) < 300


def test_nobody_there_is_not_taken_and_an_unknown_receipt_changes_nothing(receiver: Receiver, queue: str) -> None:
    receiver.server.server_close()
    assert not handle(queue)
    assert not handle("of another message")


def test_what_is_no_event_comes_again_until_it_is_a_dead_letter(receiver: Receiver, queue: str) -> None:
    assert not handle(queue, type=None)
    assert receiver.got == []
