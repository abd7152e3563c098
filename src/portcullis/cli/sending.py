"""``portcullis agent sign-and-send``: one signed request by hand, with what was signed laid open."""

import json
import secrets
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import httpx
import typer
from rich.markup import escape

from portcullis.cli import output
from portcullis.cli.context import Session, session
from portcullis.cli.failure import REFUSED, USAGE, Failure
from portcullis.cli.operator import unreachable
from portcullis.client.errors import ConfigurationError, InvalidRequestError
from portcullis.client.settings import GatewaySettings, check_settings, is_loopback
from portcullis.client.signer import Signed, Signer
from portcullis.protocol import signing

TIMEOUT_SECONDS = 30.0
VARIABLES = ("PORTCULLIS_URL", "PORTCULLIS_KEY_ID", "PORTCULLIS_SECRET")


def sign_and_send(
    context: typer.Context,
    method: Annotated[str, typer.Argument(help="GET or POST.")],
    path: Annotated[str, typer.Argument(help="Below the stage, such as /v1/whoami.")],
    body: Annotated[str, typer.Option(help="JSON text, or @file.")] = "",
    agent_url: Annotated[str | None, typer.Option(envvar=VARIABLES[0], help="Agent API, stage included.")] = None,
    key_id: Annotated[str | None, typer.Option(envvar=VARIABLES[1])] = None,
    secret: Annotated[str | None, typer.Option(envvar=VARIABLES[2], help="Better in the environment.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="For POST; fresh by default.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the string to sign and the headers.")] = False,
) -> None:
    """Sign a request as an agent does, send it, print the answer. Without options, as the demo agent of a local run."""
    settings = _settings(session(context), agent_url, key_id, secret)
    content, method = _content(body), method.upper()
    try:
        signer = Signer(settings.key_id, settings.secret.reveal())
        signed = signer.sign(method, urlsplit(settings.url).path + path, content)
    except InvalidRequestError as error:
        raise Failure(error.detail, USAGE) from None
    headers = signed.headers | _plain_headers(method, content, idempotency_key)
    if show and not session(context).as_json:
        _show(method, signed, headers)
    _print(session(context), _send(session(context), method, settings.url, signed.target, headers, content))


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


def _show(method: str, signed: Signed, headers: dict[str, str]) -> None:
    path, _, query = signed.target.partition("?")
    timestamp, nonce, digest = (
        headers[name] for name in (signing.TIMESTAMP_HEADER, signing.NONCE_HEADER, signing.DIGEST_HEADER)
    )
    output.console.print("[bold]string to sign[/bold]")
    text = signing.string_to_sign(method, path, query, timestamp, nonce, digest)
    output.console.print(text, markup=False, soft_wrap=True)
    output.console.print("[bold]headers[/bold]")
    for name, value in headers.items():
        output.console.print(f"{escape(name)}: {escape(value)}", soft_wrap=True)


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
