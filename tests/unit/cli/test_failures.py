"""A foreseeable failure is one message with a remedy, and an exit code: never a stack trace, never a secret."""

import json
import sys
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from portcullis.cli import main, operator, target
from portcullis.cli.failure import Failure
from portcullis.client.exchange import RetryPolicy
from tests.unit.cli.gateway import AGENT, KEY_ID, LOCAL, SECRET, Cli, ok, refused, silence

REMOTE = "https://abcde12345.execute-api.eu-west-1.amazonaws.com/live"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator, "RETRY", RetryPolicy(attempts=2, base=0, retry_after_cap=0))


def start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The entry point itself: exit code and standard error."""
    monkeypatch.setattr(sys, "argv", ["portcullis", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    code = caught.value.code
    assert isinstance(code, int)
    return code, capsys.readouterr().err


@pytest.mark.parametrize("code", ["forbidden", "not_found", "state_conflict", "malformed_request"])
def test_a_refusal_shows_code_detail_and_request_id(cli: Cli, code: str) -> None:
    cli.answers = [refused(code)]
    result = cli.run("agent", "show", AGENT)
    assert result.code == 1
    assert f" {code}: " in result.err
    assert "request id req-7" in result.err


@pytest.mark.parametrize("answer", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.Response(502)])
def test_no_answer_is_3_after_the_retries(cli: Cli, answer: httpx.Response | Exception) -> None:
    cli.answers = [answer] * 2
    assert cli.run("agent", "list").code == 3
    assert len(cli.sent) == 2


@pytest.mark.parametrize(
    "answer", [httpx.Response(200, text="<html>"), ok([]), httpx.Response(302), httpx.Response(204)]
)
def test_an_answer_of_something_else_is_said_to_be_one(cli: Cli, answer: httpx.Response) -> None:
    cli.answers = [answer]
    result = cli.run("agent", "list")
    assert result.code == 1
    assert "URL" in result.err or "--url" in result.err


@pytest.mark.parametrize("agent", ["../prices", "ag_1?limit=5", "ag 1", "", "ag_\u0661"])
def test_an_id_that_is_none_goes_nowhere(cli: Cli, agent: str) -> None:
    result = cli.run("agent", "show", agent)
    assert (result.code, cli.sent) == (2, [])
    assert "copy it again" in result.err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1, "a": 2}', "twice"),
        ("\ud800", "is not JSON"),
        (None, "cannot read"),
    ],
)
def test_a_document_that_cannot_be_meant_is_refused(cli: Cli, text: str | None, reason: str) -> None:
    if text is not None:
        (cli.home / "p.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    result = cli.run("policy", "put", AGENT, "p.json", "--yes")
    assert (result.code, cli.sent) == (2, [])
    assert reason in result.err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("GET", "/v1/a%41"), "path: expected an absolute path"),
        (("GET", "/v1/../x"), "no . or .. segments"),
        (("GET", "/v1/whoami?a=%ff"), "valid UTF-8"),
        (("GET", "/v1/whoami", "--key-id", KEY_ID), "together"),
        (("POST", "/v1/transactions", "--body", "@none.json"), "cannot read none.json"),
    ],
)
def test_sign_and_send_refuses_before_it_sends(cli: Cli, arguments: tuple[str, ...], reason: str) -> None:
    result = cli.run("agent", "sign-and-send", *arguments)
    assert (result.code, cli.sent) == (2, [])
    assert reason in result.err


@pytest.mark.parametrize(
    ("url", "secret", "reason"),
    [
        ("http://gateway.example.com/local", SECRET, "Use https"),
        ("https://gateway.example.com/local", SECRET[:-1] + "!", "PORTCULLIS_SECRET"),
    ],
)
def test_sign_and_send_checks_its_settings(cli: Cli, url: str, secret: str, reason: str) -> None:
    given = ("--agent-url", url, "--key-id", KEY_ID, "--secret", secret)
    result = cli.run("agent", "sign-and-send", "GET", "/v1/whoami", *given)
    assert (result.code, cli.sent) == (2, [])
    assert reason in result.err
    assert secret not in result.err


WITH_KEY = ("--agent-url", "https://gateway.example.com/local", "--key-id", KEY_ID, "--private-key", "agent.pem")


@pytest.mark.parametrize(
    ("mode", "arguments", "reason"),
    [
        (0o600, (*WITH_KEY, "--scheme", "x-signature"), "rfc9421 only"),
        (0o600, (*WITH_KEY, "--secret", SECRET), "not both"),
        (0o600, WITH_KEY[2:], "give PORTCULLIS_URL and PORTCULLIS_KEY_ID"),
        (0o600, (*WITH_KEY[:2], "--key-id", "pk", *WITH_KEY[4:]), "key_id: expected pk_"),
        (0o600, (*WITH_KEY[:4], "--private-key", "none.pem"), "none.pem: No such file"),
        (0o644, WITH_KEY, "agent.pem: others than its owner may read it"),
        (0o600, (*WITH_KEY[:4], "--private-key", "other.pem"), "expected an unencrypted Ed25519 private key"),
        (0o600, ("--scheme", "rfc-9421"), "Invalid value for '--scheme'"),
    ],
)
def test_sign_and_send_refuses_a_private_key(cli: Cli, mode: int, arguments: tuple[str, ...], reason: str) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (cli.home / "agent.pem").write_bytes(pem)
    (cli.home / "agent.pem").chmod(mode)
    (cli.home / "other.pem").touch(0o600)
    result = cli.run("agent", "sign-and-send", "GET", "/v1/whoami", *arguments)
    assert (result.code, cli.sent) == (2, [])
    assert reason in result.err
    assert pem.decode().splitlines()[1] not in result.err


def test_sign_and_send_without_an_answer(cli: Cli) -> None:
    cli.answers = [httpx.ConnectError("refused")]
    assert cli.run("agent", "sign-and-send", "GET", "/v1/whoami").code == 3


@pytest.mark.parametrize(
    ("arguments", "environment", "reason"),
    [
        ((), {}, "no gateway: give --url"),
        (("--url", REMOTE), {}, "no AWS credentials found"),
        (("--url", REMOTE), {"AWS_PROFILE": "missing"}, "no usable AWS credentials"),
        (("--url", "http://gateway.example.com/live"), {}, "plain http is for this machine only"),
        (("--url", "https://gateway.example.com:port/live"), {}, "not a URL"),
        (("--local", "none.json"), {}, "there is no none.json"),
        (("--local", "broken.json"), {}, "not a complete description"),
        (("--local",), {}, "there is no .portcullis/local.json"),
        (
            ("--url", "https://gateway.example.com/live"),
            {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
            "AWS_DEFAULT_REGION",
        ),
    ],
)
def test_each_gap_in_the_configuration_is_named_with_its_remedy(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    environment: dict[str, str],
    reason: str,
) -> None:
    silence(monkeypatch, tmp_path)
    (tmp_path / "broken.json").write_text('{"operator_url": 1}')
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code, err = start(monkeypatch, capsys, *arguments, "agent", "list")
    assert code == 2
    assert reason in " ".join(err.split())
    assert "Traceback" not in err


def test_the_region_of_the_host_goes_before_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence(monkeypatch, tmp_path)
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    assert target.find(REMOTE + "/", None, None).region == "eu-west-1"
    assert target.find(REMOTE, "ap-south-1", None).region == "ap-south-1"
    assert target.find("https://gateway.example.com/live", None, None).region == "us-east-1"
    assert target.find(REMOTE + "/", None, None).url == REMOTE


def test_a_named_local_run_goes_before_a_url_and_a_found_one_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence(monkeypatch, tmp_path)
    (tmp_path / ".portcullis").mkdir()
    (tmp_path / ".portcullis/local.json").write_text(json.dumps(LOCAL))
    assert target.find(None, None, None).url == LOCAL["operator_url"]
    assert target.find(REMOTE, None, Path(".portcullis")).url == LOCAL["operator_url"]
    with pytest.raises(Failure, match="no AWS credentials"):
        target.find(REMOTE, None, None)


def test_nothing_that_holds_credentials_shows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silence(monkeypatch, tmp_path)
    (tmp_path / "local.json").write_text(json.dumps(LOCAL))
    shown = repr(target.find(None, None, tmp_path))
    assert SECRET not in shown
    assert "operator-secret" not in shown
