"""``portcullis keys``."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from portcullis.cli import documents, instants, output
from portcullis.cli.agents import Agent
from portcullis.cli.context import session
from portcullis.cli.failure import USAGE, Failure

app = typer.Typer(no_args_is_help=True)
Key = Annotated[str, typer.Argument(help="Key id (pk_…).")]
PublicKey = Annotated[
    Path | None, typer.Option(help="The agent's Ed25519 public key, PEM or base64url: a key without a secret.")
]
Env = Annotated[bool, typer.Option("--env", help="Print shell export lines.")]
COLUMNS = {
    "KEY": "key_id",
    "STATE": "state",
    "CLASS": "key_class",
    "AGE": "age",
    "ROTATE BY": "due",
    "PARENT": "parent",
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
    public_key: PublicKey = None,
    key_class: Annotated[
        str | None,
        typer.Option("--class", help="How often it is rotated: development, staging, production, high_value."),
    ] = None,
    self_rotation: Annotated[bool, typer.Option("--self-rotation", help="Let its agent replace it, once.")] = False,
    deliver: Annotated[bool, typer.Option("--deliver", help="Hand it out, and rotate it, by Secrets Manager.")] = False,
    env: Env = False,
) -> None:
    """Issue a key. Its secret is shown this once; with --public-key there is none, with --deliver nobody sees it."""
    numbers = {"per_minute": per_minute, "burst": burst}
    given = {
        "scopes": scope,
        "ip_ranges": ip_range,
        "expires_at": expires_at,
        "rate": {name: value for name, value in numbers.items() if value is not None},
        "public_key": _read(public_key),
        "key_class": key_class,
        "self_rotation": self_rotation,
        "deliver": deliver,
    }
    _show_new(context, f"/v1/agents/{agent}/keys", {name: value for name, value in given.items() if value}, env=env)


@app.command()
def rotate(
    context: typer.Context,
    agent: Agent,
    key: Key,
    overlap: Annotated[
        str | None,
        typer.Option(help="How long the old key works on: 90m, 24h, 7d; 0 in an emergency. Default: the stage's."),
    ] = None,
    public_key: PublicKey = None,
    env: Env = False,
) -> None:
    """Replace a key by one that may do the same. Its secret is shown this once; with --public-key there is none."""
    body: dict[str, Any] = {} if public_key is None else {"public_key": _read(public_key)}
    if overlap is not None:
        body["overlap_seconds"] = instants.seconds(overlap)
    new = _show_new(context, f"/v1/agents/{agent}/keys/{key}/rotate", body, env=env)
    if "parent_ends_at" in new:
        output.errors.print(f"{key} is refused from {new['parent_ends_at']} on.")
    else:
        output.errors.print("Secrets Manager rotates it: `portcullis keys list` shows the successor in a moment.")


@app.command("list")
def list_(
    context: typer.Context,
    agent: Agent,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 50,
    cursor: Annotated[str | None, typer.Option(help="From the previous page.")] = None,
) -> None:
    """List an agent's keys, revoked ones included, and when, to the minute, and from where each was last used."""
    page = session(context).operator.get(f"/v1/agents/{agent}/keys", limit=limit, cursor=cursor)
    if not session(context).as_json:
        page["keys"] = [_with_age(key) for key in page["keys"]]
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
def revoke(
    context: typer.Context,
    agent: Agent,
    key: Annotated[str | None, typer.Argument(help="Key id (pk_…).")] = None,
    every: Annotated[bool, typer.Option("--all", help="All keys of the agent.")] = False,
) -> None:
    """Revoke a key, and what its agent has made of it: they commit nothing from now on, and are refused altogether
    within 15 seconds."""
    if every == (key is not None):
        raise Failure("name one key, or give --all to end every key of the agent", USAGE)
    path = f"/v1/agents/{agent}/keys/revoke" if every else f"/v1/agents/{agent}/keys/{key}/revoke"
    session(context).show(session(context).operator.post(path))


def _read(public_key: Path | None) -> str | None:
    return None if public_key is None else documents.read_public_key(public_key)


def _show_new(context: typer.Context, path: str, body: dict[str, Any], *, env: bool) -> dict[str, Any]:
    """Have a key made, and show it with its secret."""
    key = session(context).operator.create(path, body)
    if env:
        fields = {"PORTCULLIS_KEY_ID": "key_id", "PORTCULLIS_SECRET": "secret"}
        for name, field in fields.items():
            if field in key:
                output.console.print(f"export {name}={shlex.quote(key[field])}", markup=False, soft_wrap=True)
        return key
    session(context).show(key)
    if "secret" in key:
        output.errors.print("[yellow]The secret is shown once. Store it now; it cannot be read again.[/yellow]")
    return key


def _with_age(key: dict[str, Any]) -> dict[str, Any]:
    """The key with its age and what is due, as people read them."""
    due = f"{key['rotate_by']} OVERDUE" if key.get("overdue") else key.get("rotate_by")
    return {**key, "age": f"{key['age_days']} d" if "age_days" in key else None, "due": due}
