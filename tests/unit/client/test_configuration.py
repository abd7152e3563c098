"""The environment is checked at start; errors name the variable and the remedy, never the secret."""

import copy
import logging
import pickle
import re
import subprocess
import sys
import traceback
from typing import Any

import httpx
import pytest

import portcullis.client
from portcullis.client import (
    AsyncGateway,
    ConfigurationError,
    Gateway,
    InvalidRequestError,
    PermissionDeniedError,
    PortcullisAuth,
    PortcullisError,
    PortcullisRequestsAuth,
)
from portcullis.client.settings import from_environment
from tests.unit.client.world import FIELDS, KEY_ID, OTHER_STAGE_SECRET, SECRET, URL, World, problem

ENVIRONMENT = {"PORTCULLIS_URL": URL, "PORTCULLIS_KEY_ID": KEY_ID, "PORTCULLIS_SECRET": SECRET}
CHANGED = SECRET[:-1] + ("A" if SECRET[-1] != "A" else "B")
EXPORTED = {
    "MessageSignatureAuth", "ed25519_signer", "hmac_signer",
    "Approved", "AsyncGateway", "AuthenticationError", "ClockSkewError", "ConfigurationError", "ConflictError",
    "Decision", "Denied", "Gateway", "IdempotencyConflictError", "Identity", "InvalidRequestError",
    "MalformedRequestError", "NotFoundError", "PendingApproval", "PermissionDeniedError", "PortcullisAuth",
    "PortcullisError", "PortcullisRequestsAuth", "ProviderAuth", "RateLimitedError", "RefusedError", "RetryPolicy",
    "SecretProvider", "SecretUnavailableError", "Transaction", "UnavailableError", "UnexpectedAnswerError",
    "UnreachableError", "Violation", "provider_from_env",
    "Later", "Executing", "Settled", "Failed", "Cancelled", "Expired", "Frozen", "NeedsReconciliation", "Page",
    "AgentKey", "RotatedKey", "RotatingFile",
}  # fmt: skip


def test_the_exported_names_are_these() -> None:
    assert set(portcullis.client.__all__) == EXPORTED
    assert all(getattr(portcullis.client, name) is not None for name in EXPORTED)


def test_there_is_no_other_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Gatway'"):
        portcullis.client.Gatway  # noqa: B018


def test_the_errors_form_one_tree() -> None:
    kinds = [getattr(portcullis.client, name) for name in EXPORTED if name.endswith("Error")]
    assert all(issubclass(kind, PortcullisError) for kind in kinds)


def test_a_whole_environment_makes_both_clients() -> None:
    assert repr(Gateway.from_env(ENVIRONMENT)) == f"Gateway(url={URL!r}, key_id={KEY_ID!r})"
    assert repr(AsyncGateway.from_env(ENVIRONMENT)) == f"AsyncGateway(url={URL!r}, key_id={KEY_ID!r})"


@pytest.mark.parametrize("url", [URL + "/", "http://127.0.0.1:4611/local", "http://[::1]:1/x", "http://localhost/x"])
def test_these_addresses_are_accepted(url: str) -> None:
    assert from_environment({**ENVIRONMENT, "PORTCULLIS_URL": url}).url == url.removesuffix("/")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORTCULLIS_URL", None, "is not set. Set it to the gateway's address"),
        ("PORTCULLIS_URL", "", "is not set"),
        ("PORTCULLIS_URL", "gateway.example.com/local", "expected an https URL"),
        ("PORTCULLIS_URL", "ftp://gateway.example.com", "expected an https URL"),
        ("PORTCULLIS_URL", "https:///local", "expected an https URL"),
        ("PORTCULLIS_URL", URL + "\n", "expected an https URL"),
        ("PORTCULLIS_URL", "https://[::1", "not a URL"),
        ("PORTCULLIS_URL", "https://gateway.example.com:port", "not a URL"),
        ("PORTCULLIS_URL", "http://gateway.example.com/local", "plain http is for this machine only"),
        ("PORTCULLIS_URL", "http://127.0.0.1.example.com/local", "plain http is for this machine only"),
        ("PORTCULLIS_URL", "https://user:word@gateway.example.com", "without user, query and fragment"),
        ("PORTCULLIS_URL", URL + "?", "without user, query and fragment"),
        ("PORTCULLIS_URL", URL + "/..", "its path may not have"),
        ("PORTCULLIS_URL", URL + "%2f", "its path may not have"),
        ("PORTCULLIS_URL", URL + "//x", "its path may not have"),
        ("PORTCULLIS_KEY_ID", None, "is not set. Set it to the key id"),
        ("PORTCULLIS_KEY_ID", SECRET, "expected pk_<stage>_ and 28"),
        ("PORTCULLIS_KEY_ID", KEY_ID + " ", "Copy it again"),
        ("PORTCULLIS_KEY_ID", KEY_ID[:-2] + "00", "the checksum does not match"),
        ("PORTCULLIS_SECRET", None, "issue a new key if it is lost"),
        ("PORTCULLIS_SECRET", KEY_ID, "expected sk_<stage>_ and 49"),
        ("PORTCULLIS_SECRET", CHANGED, "the checksum does not match"),
        ("PORTCULLIS_SECRET", f"'{SECRET}'", "without quotes"),
        ("PORTCULLIS_SECRET", OTHER_STAGE_SECRET, "another stage than PORTCULLIS_KEY_ID (local)"),
    ],
)
def test_each_broken_variable_is_named_with_its_remedy(name: str, value: str | None, reason: str) -> None:
    environ = {**ENVIRONMENT, name: value or ""} if value is not None else {**ENVIRONMENT}
    if value is None:
        del environ[name]
    with pytest.raises(ConfigurationError, match=f"{name}.*{re.escape(reason)}") as caught:
        Gateway.from_env(environ)
    told = "".join(traceback.format_exception(caught.value))
    assert caught.value.code == "configuration"
    assert not any(secret[10:-8] in told for secret in (SECRET, OTHER_STAGE_SECRET))
    assert "word" not in str(caught.value)


@pytest.mark.parametrize("make", [PortcullisAuth, PortcullisRequestsAuth])
def test_an_auth_checks_its_credentials_at_once(make: Any) -> None:
    with pytest.raises(ConfigurationError, match="secret: the checksum does not match"):
        make(KEY_ID, CHANGED)


def things() -> list[Any]:
    gateway = World([]).gateway()
    auth = PortcullisAuth(KEY_ID, SECRET)
    return [
        gateway,
        gateway._access,
        from_environment(ENVIRONMENT),
        auth,
        auth._signer,
        auth._signer._secret,
        PortcullisRequestsAuth(KEY_ID, SECRET),
    ]


@pytest.mark.parametrize("thing", things(), ids=lambda thing: type(thing).__name__)
def test_nothing_that_holds_the_secret_shows_it(thing: Any) -> None:
    for text in (repr(thing), str(thing), f"{thing}", repr(getattr(thing, "__dict__", ""))):
        assert SECRET not in text


def test_a_secret_is_not_serialised() -> None:
    secret = PortcullisAuth(KEY_ID, SECRET)._signer._secret
    for serialise in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not serialised"):
            serialise(secret)


def test_logs_and_errors_hold_neither_secret_nor_signature(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = World([httpx.ReadTimeout("lost"), problem("blocked")])
    with pytest.raises(PermissionDeniedError) as caught:
        world.gateway().create_transaction(**FIELDS)
    told = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(vars(caught.value))
    told += "".join(repr(request.headers) for request in world.sent)
    assert SECRET not in told
    assert not any(signature in told for signature in world.header("X-Signature"))


def test_an_error_about_the_request_does_not_lead_to_the_secret() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        PortcullisAuth(KEY_ID, SECRET)._signer.sign("GET", "/%41", b"")
    assert caught.value.__context__ is None


def test_details_from_outside_are_bounded_and_printable() -> None:
    answer = problem("blocked", detail="\x1b[2J" + "x" * 5000)
    with pytest.raises(PermissionDeniedError) as caught:
        World([answer]).gateway().whoami()
    assert caught.value.detail.isprintable()
    assert len(caught.value.detail) == 500


@pytest.mark.parametrize(
    ("absent", "present"),
    [("httpx", "PortcullisRequestsAuth"), ("requests", "PortcullisAuth"), ("requests", "Gateway")],
)
def test_either_library_is_enough_for_its_own_part(absent: str, present: str) -> None:
    program = f"""
import sys
sys.modules[{absent!r}] = None
import portcullis.client as client
client.{present}
other = "Gateway" if {absent!r} == "httpx" else "PortcullisRequestsAuth"
try:
    getattr(client, other)
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"needs {absent}: pip install" in done.stdout
