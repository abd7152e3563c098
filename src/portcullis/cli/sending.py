"""``portcullis agent sign-and-send``: one signed request by hand, with what was signed laid open."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

import httpx
import typer
from rich.markup import escape

from portcullis.cli import output
from portcullis.cli.context import Session, session
from portcullis.cli.failure import REFUSED, USAGE, Failure
from portcullis.cli.operator import unreachable
from portcullis.client.errors import ConfigurationError, InvalidRequestError, SecretUnavailableError
from portcullis.client.message_auth import MessageRequestSigner, ed25519_signer, hmac_signer
from portcullis.client.secret_sources import read_owned
from portcullis.client.settings import GatewaySettings, check_settings, check_url, is_loopback
from portcullis.client.signer import Signed, Signer
from portcullis.protocol.credentials import Refused, SignedRequest, read_credentials
from portcullis.protocol.keys import parse_key_id
from portcullis.protocol.message_signatures import MessageSigner

TIMEOUT_SECONDS = 30.0
VARIABLES = ("PORTCULLIS_URL", "PORTCULLIS_KEY_ID", "PORTCULLIS_SECRET")
PRIVATE_KEY = "PORTCULLIS_PRIVATE_KEY_FILE"


class Scheme(StrEnum):
    """How a request is signed: docs/signing.md, docs/message-signatures.md."""

    X_SIGNATURE = "x-signature"
    RFC9421 = "rfc9421"


@dataclass(frozen=True, slots=True)
class _Access:
    """The agent API's address, the key, and what signs: method, target and body in."""

    url: str
    key_id: str
    sign: Callable[[str, str, bytes], Signed]


def sign_and_send(
    context: typer.Context,
    method: Annotated[str, typer.Argument(help="GET or POST.")],
    path: Annotated[str, typer.Argument(help="Below the stage, such as /v1/whoami.")],
    body: Annotated[str, typer.Option(help="JSON text, or @file.")] = "",
    agent_url: Annotated[str | None, typer.Option(envvar=VARIABLES[0], help="Agent API, stage included.")] = None,
    key_id: Annotated[str | None, typer.Option(envvar=VARIABLES[1])] = None,
    secret: Annotated[str | None, typer.Option(envvar=VARIABLES[2], help="Better in the environment.")] = None,
    private_key: Annotated[Path | None, typer.Option(envvar=PRIVATE_KEY, help="File: Ed25519 key in PEM.")] = None,
    scheme: Annotated[Scheme | None, typer.Option(help="rfc9421 with a private key, else x-signature.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="For POST; fresh by default.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the string to sign and the headers.")] = False,
) -> None:
    """Sign a request as an agent does, send it, print the answer. Without options, as the demo agent of a local run."""
    if private_key is None:
        access = _with_secret(_settings(session(context), agent_url, key_id, secret), scheme)
    else:
        access = _with_private_key(agent_url, key_id, secret, private_key, scheme)
    content, method = _content(body), method.upper()
    try:
        signed = access.sign(method, urlsplit(access.url).path + path, content)
    except InvalidRequestError as error:
        raise Failure(error.detail, USAGE) from None
    headers = signed.headers | _plain_headers(method, content, idempotency_key)
    if show and not session(context).as_json:
        _show(method, access, signed, headers)
    _print(session(context), _send(session(context), method, access.url, signed.target, headers, content))


def _with_secret(settings: GatewaySettings, scheme: Scheme | None) -> _Access:
    key_id, secret = settings.key_id, settings.secret.reveal()
    if scheme is Scheme.RFC9421:
        return _with_message_signer(settings.url, key_id, hmac_signer(key_id, secret))
    return _Access(settings.url, key_id, Signer(key_id, secret).sign)


def _with_private_key(
    url: str | None, key_id: str | None, secret: str | None, path: Path, scheme: Scheme | None
) -> _Access:
    if scheme is Scheme.X_SIGNATURE:
        raise Failure("a private key signs in the scheme rfc9421 only", USAGE)
    if secret is not None:
        raise Failure(f"give --private-key or {VARIABLES[2]}, not both: a key has one or the other", USAGE)
    if not (url and key_id):
        raise Failure(f"give {VARIABLES[0]} and {VARIABLES[1]} with --private-key", USAGE)
    try:
        return _with_message_signer(check_url(url, VARIABLES[0]), key_id, ed25519_signer(read_owned(path)))
    except (ConfigurationError, SecretUnavailableError) as error:
        raise Failure(error.detail, USAGE) from None


def _with_message_signer(url: str, key_id: str, signer: MessageSigner) -> _Access:
    messages = MessageRequestSigner(key_id, signer)
    hosts = [urlsplit(url).netloc]
    return _Access(url, key_id, lambda method, target, body: messages.sign(method, target, body, hosts))


def _settings(session: Session, url: str | None, key_id: str | None, secret: str | None) -> GatewaySettings:
    given = (url, key_id, secret)
    if any(given) and not all(given):
        raise Failure(f"give {', '.join(VARIABLES)} together, or none of them", USAGE)
    if not any(given):
        demo = session.target.demo_agent or {}
        given = (session.target.agent_url, demo.get("key_id"), demo.get("secret"))
    if not all(given):
        raise Failure(f"set {', '.join(VARIABLES)}, or run `make up` here", USAGE)
    try:
        return check_settings(given[0] or "", given[1] or "", given[2] or "", VARIABLES)
    except ConfigurationError as error:
        raise Failure(error.detail, USAGE) from None


def _content(body: str) -> bytes:
    if not body.startswith("@"):
        return body.encode()
    try:
        return Path(body[1:]).read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {body[1:]}: {error.strerror}", USAGE) from None


def _plain_headers(method: str, content: bytes, idempotency_key: str | None) -> dict[str, str]:
    headers = {"Content-Type": "application/json"} if content else {}
    if method == "POST" or idempotency_key:
        headers["Idempotency-Key"] = idempotency_key or secrets.token_urlsafe(24)
    return headers


def _show(method: str, access: _Access, signed: Signed, headers: dict[str, str]) -> None:
    output.console.print("[bold]string to sign[/bold]")
    output.console.print(_text(method, access, signed), markup=False, soft_wrap=True)
    output.console.print("[bold]headers[/bold]")
    for name, value in headers.items():
        output.console.print(f"{escape(name)}: {escape(value)}", soft_wrap=True)


def _text(method: str, access: _Access, signed: Signed) -> str:
    """What was signed, as the gateway will rebuild it."""
    path, _, query = signed.target.partition("?")
    fields = {name.lower(): [value] for name, value in signed.headers.items()} | {"host": [urlsplit(access.url).netloc]}
    request = SignedRequest(method, path, parse_qsl(query, keep_blank_values=True), fields, "")
    credentials = read_credentials(request, parse_key_id(access.key_id).stage)
    return credentials.code if isinstance(credentials, Refused) else credentials.text


def _send(
    session: Session, method: str, url: str, target: str, headers: dict[str, str], content: bytes
) -> httpx.Response:
    parts = urlsplit(url)
    with httpx.Client(timeout=TIMEOUT_SECONDS, transport=session.transport, trust_env=not is_loopback(url)) as client:
        try:
            return client.request(method, f"{parts.scheme}://{parts.netloc}{target}", headers=headers, content=content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(url, type(error).__name__) from None


def _print(session: Session, answer: httpx.Response) -> None:
    if session.as_json:
        output.print_json({"status": answer.status_code, "body": _decoded(answer)})
    else:
        output.console.print(f"{answer.status_code} {answer.reason_phrase}", markup=False)
        output.console.print(answer.text, markup=False, soft_wrap=True)
    if not answer.is_success:
        raise typer.Exit(REFUSED)


def _decoded(answer: httpx.Response) -> object:
    try:
        return json.loads(answer.content)
    except ValueError:
        return answer.text
