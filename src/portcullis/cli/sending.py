"""``portcullis agent sign-and-send``: one signed request by hand, with what was signed laid open."""

import secrets
import time
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

import httpx
import typer
from rich.markup import escape

from portcullis.cli import output
from portcullis.cli.context import Session, session
from portcullis.cli.failure import REFUSED, USAGE, Failure
from portcullis.cli.operator import TIMEOUT_SECONDS, unreachable
from portcullis.protocol import keys, signing


def sign_and_send(
    context: typer.Context,
    method: Annotated[str, typer.Argument(help="GET or POST.")],
    path: Annotated[str, typer.Argument(help="Below the stage, such as /v1/whoami.")],
    body: Annotated[str, typer.Option(help="JSON text, or @file.")] = "",
    agent_url: Annotated[str | None, typer.Option(envvar="PORTCULLIS_URL", help="Agent API, stage included.")] = None,
    key_id: Annotated[str | None, typer.Option(envvar="PORTCULLIS_KEY_ID")] = None,
    secret: Annotated[str | None, typer.Option(envvar="PORTCULLIS_SECRET", help="Better in the environment.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="For POST; fresh by default.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the string to sign and the headers.")] = False,
) -> None:
    """Sign a request as an agent does, send it, print the answer. Without options, as the demo agent of a local run."""
    url, key_id, secret = _identity(session(context), agent_url, key_id, secret)
    content = _content(body)
    target = urlsplit(path)
    query = signing.canonical_query(parse_qsl(target.query, keep_blank_values=True))
    full_path, timestamp, nonce = urlsplit(url).path + target.path, int(time.time()), secrets.token_urlsafe(18)
    try:
        keys.parse_key_id(key_id)
        keys.parse_secret(secret)
        headers = signing.signed_headers(key_id, secret, method.upper(), full_path, query, content, timestamp, nonce)
    except ValueError as error:
        raise Failure(str(error), USAGE) from None
    if content:
        headers["Content-Type"] = "application/json"
        headers["Idempotency-Key"] = idempotency_key or secrets.token_urlsafe(24)
    if show:
        digest = headers[signing.DIGEST_HEADER]
        _show(signing.string_to_sign(method.upper(), full_path, query, str(timestamp), nonce, digest), headers)
    answer = _send(
        session(context), method.upper(), url + target.path + (f"?{query}" if query else ""), headers, content
    )
    output.console.print(f"{answer.status_code} {answer.reason_phrase}")
    output.console.print(answer.text, markup=False, soft_wrap=True)
    if not answer.is_success:
        raise typer.Exit(REFUSED)


def _identity(session: Session, url: str | None, key_id: str | None, secret: str | None) -> tuple[str, str, str]:
    if url and key_id and secret:
        return url.rstrip("/"), key_id, secret
    if url or key_id or secret:
        raise Failure("give PORTCULLIS_URL, PORTCULLIS_KEY_ID and PORTCULLIS_SECRET together", USAGE)
    target = session.target
    if target.demo_agent is None or target.agent_url is None:
        raise Failure("set PORTCULLIS_URL, PORTCULLIS_KEY_ID and PORTCULLIS_SECRET, or run `make up` here", USAGE)
    return target.agent_url, target.demo_agent["key_id"], target.demo_agent["secret"]


def _content(body: str) -> bytes:
    if not body.startswith("@"):
        return body.encode()
    try:
        return Path(body[1:]).read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {body[1:]}: {error.strerror}", USAGE) from None


def _show(text: str, headers: dict[str, str]) -> None:
    output.console.print("[bold]string to sign[/bold]")
    output.console.print(text, markup=False, soft_wrap=True)
    output.console.print("[bold]headers[/bold]")
    for name, value in headers.items():
        output.console.print(f"{escape(name)}: {escape(value)}", soft_wrap=True)


def _send(session: Session, method: str, url: str, headers: dict[str, str], content: bytes) -> httpx.Response:
    with httpx.Client(timeout=TIMEOUT_SECONDS, transport=session.transport) as client:
        try:
            return client.request(method, url, headers=headers, content=content)
        except httpx.HTTPError as error:
            raise unreachable(url, error) from None
