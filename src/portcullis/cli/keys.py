"""``portcullis keys``."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from portcullis.cli import documents, output
from portcullis.cli.agents import Agent
from portcullis.cli.context import session

app = typer.Typer(no_args_is_help=True)
Key = Annotated[str, typer.Argument(help="Key id (pk_…).")]
COLUMNS = {
    "KEY": "key_id",
    "STATE": "state",
    "ALGORITHM": "algorithm",
    "SCOPES": "scopes",
    "ADDRESSES": "ip_ranges",
    "RATE": "rate",
    "EXPIRES": "expires_at",
    "CREATED": "created_at",
    "LAST USED": "last_used.at",
    "FROM": "last_used.ip",
}


@app.command()
def issue(
    context: typer.Context,
    agent: Agent,
    scope: Annotated[list[str] | None, typer.Option(help="Repeat for several; default create and read.")] = None,
    ip_range: Annotated[list[str] | None, typer.Option(help="Network the key may be used from; repeatable.")] = None,
    expires_at: Annotated[str | None, typer.Option(help="RFC 3339 instant after which it is refused.")] = None,
    per_minute: Annotated[int | None, typer.Option(help="The key's own rate, requests a minute sustained.")] = None,
    burst: Annotated[int | None, typer.Option(help="How many of them may come at once.")] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="The agent's Ed25519 public key, PEM or base64url: a key without a secret.")
    ] = None,
    env: Annotated[bool, typer.Option("--env", help="Print shell export lines.")] = False,
) -> None:
    """Issue a key. Its secret is shown this once; with --public-key there is none."""
    numbers = {"per_minute": per_minute, "burst": burst}
    rate = {name: value for name, value in numbers.items() if value is not None}
    given = {"scopes": scope or None, "ip_ranges": ip_range or None, "expires_at": expires_at, "rate": rate or None}
    body = {name: value for name, value in given.items() if value is not None}
    if public_key is not None:
        body["public_key"] = documents.read_public_key(public_key)
    key = session(context).operator.create(f"/v1/agents/{agent}/keys", body)
    if env:
        fields = {"PORTCULLIS_KEY_ID": "key_id", "PORTCULLIS_SECRET": "secret"}
        for name, field in fields.items():
            if field in key:
                output.console.print(f"export {name}={shlex.quote(key[field])}", markup=False, soft_wrap=True)
        return
    session(context).show(key)
    if "secret" in key:
        output.errors.print("[yellow]The secret is shown once. Store it now; it cannot be read again.[/yellow]")


@app.command("list")
def list_(
    context: typer.Context,
    agent: Agent,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 50,
    cursor: Annotated[str | None, typer.Option(help="From the previous page.")] = None,
) -> None:
    """List an agent's keys, revoked ones included, and when, to the minute, and from where each was last used."""
    page = session(context).operator.get(f"/v1/agents/{agent}/keys", limit=limit, cursor=cursor)
    session(context).show_list(page, "keys", COLUMNS)


@app.command()
def retire(
    context: typer.Context,
    agent: Agent,
    key: Key,
    until: Annotated[str, typer.Option(help="RFC 3339 instant from which it is refused, at least 30 seconds ahead.")],
) -> None:
    """Let a key end at an instant: until then it works as before, while its successor takes over."""
    session(context).show(session(context).operator.post(f"/v1/agents/{agent}/keys/{key}/retire", {"until": until}))


@app.command()
def revoke(context: typer.Context, agent: Agent, key: Key) -> None:
    """Revoke a key: it commits nothing from now on, and is refused altogether within 15 seconds."""
    session(context).show(session(context).operator.post(f"/v1/agents/{agent}/keys/{key}/revoke"))
