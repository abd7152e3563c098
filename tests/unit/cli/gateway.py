"""The command line against a scripted operator API that checks every AWS signature."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from typer.testing import CliRunner

from portcullis.cli.context import Session
from portcullis.cli.failure import Failure
from portcullis.cli.main import app
from portcullis.protocol import keys, problems

KEY_ID = keys.new_key_id("local", "1", b"k" * 20)
SECRET = keys.secret_from_mac("local", b"s" * 32)
AGENT = "ag_" + "1" * 22
OPERATOR = {"access_key_id": "AKIDOPERATOR", "secret_access_key": "operator-secret"}
LOCAL: dict[str, Any] = {
    "api_url": "http://127.0.0.1:4611/local",
    "operator_url": "http://127.0.0.1:4612/local",
    "region": "us-east-1",
    "operator": OPERATOR,
    "demo_agent": {"agent_id": AGENT, "key_id": KEY_ID, "secret": SECRET},
}
Answer = Callable[[httpx.Request], httpx.Response]


@dataclass
class Result:
    """What a person sees, and what a script does."""

    code: int
    out: str
    err: str


@dataclass
class Cli:
    """Runs commands against ``answers``, given in order."""

    home: Path
    answers: list[httpx.Response | BaseException] = field(default_factory=list)
    sent: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.file = self.home / "local.json"
        self.file.write_text(json.dumps(LOCAL))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def run(self, *arguments: str, stdin: str = "", as_json: bool = False) -> Result:
        session = Session(None, None, self.file, as_json, httpx.MockTransport(self.answer))
        done = CliRunner().invoke(app, list(arguments), input=stdin, obj=session)
        if isinstance(done.exception, Failure):
            return Result(done.exception.exit_code, done.stdout, done.stderr + str(done.exception))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Result(done.exit_code, done.stdout, done.stderr)


def ok(body: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def refused(code: str) -> httpx.Response:
    return httpx.Response(problems.PROBLEMS[code].status, json=problems.problem_body(code, "req-7"))


def assert_signed_by_the_operator(request: httpx.Request) -> None:
    """Whether botocore signs what was received as the caller did."""
    parts = dict(part.split("=", 1) for part in request.headers["authorization"].partition(" ")[2].split(", "))
    names = parts["SignedHeaders"].split(";")
    again = AWSRequest(
        method=request.method,
        url=str(request.url),
        data=request.content,
        headers={name: request.headers[name] for name in names},
    )
    again.context["timestamp"] = request.headers["x-amz-date"]
    credentials = Credentials(OPERATOR["access_key_id"], OPERATOR["secret_access_key"])
    signer = SigV4Auth(credentials, "execute-api", LOCAL["region"])
    text = signer.string_to_sign(again, signer.canonical_request(again))
    assert signer.signature(text, again) == parts["Signature"]
    assert {"host", "x-amz-date"} <= set(names)


def silence(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """No configuration of the machine that runs the tests."""
    monkeypatch.chdir(home)
    for name in (
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("URL", "KEY_ID", "SECRET", "PRIVATE_KEY_FILE", "OPERATOR_URL"):
        monkeypatch.delenv(f"PORTCULLIS_{name}", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
