"""The attack corpus, ``events/attacks/*.json``: what one file says, made a request of a world's agents.

A case is a payment that is signed properly, or what ``request``, ``key`` and ``scheme`` ("headers" or "message") make
of it; ``sign`` is what its signer does otherwise, ``tamper`` what happens to it afterwards. ``after`` is sent before it
and must pass. ``expect`` is the answer, ``over_http`` the one where firewall or routing come first. ``$names`` are
filled in.

The signers here are written from docs/signing.md and docs/message-signatures.md: the protocol's own refuse to sign what
is malformed.
"""

import hashlib
import hmac
import json
import secrets
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portcullis.protocol import keys, public_keys

CASES = sorted((Path(__file__).parents[1] / "events").glob("attacks/*.json"))
WALLET = "0x52908400098527886e0f7030069857d2e4169ee7"
PAYMENT = {
    "kind": "transfer",
    "amount": "10",
    "token": "USDC",
    "chain": "base",
    "destination": {"wallet": WALLET},
}
POLICY = {
    "allowlist": {"wallets": [f"base:{WALLET}"]},
    "limits": {"per_transaction": "500", "daily": "100000"},
    "tiers": {"human_above": "100"},
    "rate": {"per_minute": 60_000, "burst": 10_000},
    "call_rate": {"per_minute": 60_000, "burst": 10_000},
}
COMPONENTS = ['"@method"', '"@authority"', '"@path"', '"@query"', '"content-digest"']
PARAMETERS = 'created=$now;nonce="$nonce";alg="$alg";keyid="$key_id"'

Case = dict[str, Any]
Operator = Callable[[str, str, Any], dict[str, Any]]
Read = Callable[[list[str]], list[dict[str, Any]]]
Records = dict[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True)
class Request:
    """A request as it goes over the wire; ``target`` with stage and query, ``headers`` with repetitions."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    address: str = "203.0.113.77"


Send = Callable[[Request], tuple[int, dict[str, Any]]]


@dataclass(frozen=True)
class Key:
    """A key id and what signs under it."""

    key_id: str
    algorithm: str
    sign: Callable[[bytes], bytes] = field(repr=False)


@dataclass(frozen=True)
class World:
    """Agents with keys by name, and how to read their items. ``base_path`` is that of the stage.

    Nobody else writes to these agents, so what was ``seen`` after one case is what is there before the next.
    """

    base_path: str
    authority: str
    read: Read
    agents: list[str]
    keys: dict[str, Key]
    names: dict[str, str]
    seen: Records = field(default_factory=dict)

    def records(self) -> Records:
        """Every item of the agents but the rate of their other calls, which reads count on."""
        mine = {f"AGENT#{agent}" for agent in self.agents}
        found = {(item["pk"]["S"], item["sk"]["S"]): item for item in self.read(self.agents)}
        return {key: item for key, item in found.items() if key[0] in mine and key[1] != "CALLS"}


def hmac_key(key_id: str, secret: str) -> Key:
    """A key that signs with HMAC-SHA256."""
    return Key(key_id, "hmac-sha256", lambda text: hmac.digest(secret.encode(), text, "sha256"))


def prepare(operator: Operator, dynamodb: Any, table: str, read: Read, *, base_path: str, authority: str) -> World:
    """Make the agents and keys that the cases name. ``operator(method, path, body)`` is a call that succeeds."""
    agents = [operator("POST", "/v1/agents", {"name": name, "policy": POLICY})["agent_id"] for name in "abc"]
    payer, other, suspended = agents

    def issue(agent: str, **wanted: Any) -> Key:
        issued = operator("POST", f"/v1/agents/{agent}/keys", wanted)
        return hmac_key(issued["key_id"], issued.get("secret", ""))

    private_key = Ed25519PrivateKey.generate()
    public_key = public_keys.encode_ed25519(private_key.public_key().public_bytes_raw())
    made = {
        "payer": issue(payer),
        "second": issue(payer),
        "reader": issue(payer, scopes=["transactions:read"]),
        "creator": issue(payer, scopes=["transactions:create"]),
        "bound": issue(payer, ip_ranges=["192.0.2.0/24"]),
        "revoked": issue(payer),
        "expired": issue(payer),
        "other": issue(other),
        "suspended": issue(suspended),
    }
    operator("POST", f"/v1/agents/{payer}/keys/{made['revoked'].key_id}/revoke", None)
    operator("POST", f"/v1/agents/{suspended}/suspend", {"reason": "drill"})
    dynamodb.update_item(
        TableName=table,
        Key={"pk": {"S": f"KEY#{made['expired'].key_id}"}, "sk": {"S": "KEY"}},
        UpdateExpression="SET ends_at = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )
    stage = base_path.removeprefix("/")
    unknown = hmac_key(keys.new_key_id(stage, "0", secrets.token_bytes(20)), "made up")
    ed25519 = issue(payer, public_key=public_key).key_id
    made |= {
        "unknown": unknown,
        "ed25519": Key(ed25519, "ed25519", private_key.sign),
        "another private key": Key(ed25519, "ed25519", Ed25519PrivateKey.generate().sign),
        "public key as secret": hmac_key(ed25519, public_key),
        "ed25519 for an hmac key": Key(made["payer"].key_id, "ed25519", private_key.sign),
    }
    names = {
        "other_key_id": made["other"].key_id,
        "second_key_id": made["second"].key_id,
        "unknown_key_id": unknown.key_id,
        "live_key_id": keys.new_key_id("live", "0", bytes(20)),
        "wallet": WALLET,
        "base": base_path,
    }
    return World(base_path, authority, read, agents, made, names)


def load(path: Path) -> Case:
    """One case."""
    case: Case = json.loads(path.read_text())
    return case


def play(case: Case, world: World, send: Send, expected: Case) -> tuple[Case, list[str]]:
    """The answer, as far as ``expected`` speaks of it, and what was written although it should not."""
    token, now = secrets.token_hex(12), int(time.time())
    names = {**world.names, "nonce": f"nonce-{token}", "idempotency_key": f"payment-{token}", "now": str(now)}
    names |= {"stale": str(now - 400), "future": str(now + 400), "milliseconds": str(now * 1000)}
    if "after" in case:
        first = {name: value for name, value in case.items() if name != "tamper"} | case["after"]
        status, body = send(build(first, world, names))
        assert status in (200, 201), body
    before = world.records() if "after" in case or not world.seen else dict(world.seen)
    status, body = send(build(case, world, names))
    rules = [violation["rule"] for violation in body.get("violations", ())]
    answer = {"status": status, "code": body.get("code"), "field": body.get("field"), "rules": rules}
    after = world.records()
    world.seen.clear()
    world.seen.update(after)
    return {name: answer[name] for name in expected}, _written(before, after)


def _written(before: Records, after: Records) -> list[str]:
    """What changed, but for denied transactions, which are recorded, spend nothing and only count for the rate."""
    changed = {key for key, item in after.items() if item != before.get(key)}
    denied = {key for key in changed - before.keys() if after[key].get("status", {}).get("S") == "denied"}
    counted = {(agent, "ACCOUNT") for agent, _ in denied if _same_spend(before, after, agent)}
    return [" ".join(key) for key in changed - denied - counted]


def _same_spend(before: Records, after: Records, agent: str) -> bool:
    windows = [
        {name: value for name, value in items[agent, "ACCOUNT"].items() if name[0] == "d" and name[1:].isdigit()}
        for items in (before, after)
    ]
    return windows[0] == windows[1]


def build(case: Case, world: World, names: dict[str, str]) -> Request:
    """The request of a case."""
    key = world.keys[case.get("key", "payer")]
    names = {**names, "key_id": key.key_id, "alg": key.algorithm}
    wanted, sign = _filled(case.get("request", {}), names), _filled(case.get("sign", {}), names)
    method, path, query = wanted.get("method", "POST"), wanted.get("path", "/v1/transactions"), wanted.get("query", "")
    body = _body(wanted, method)
    plain = {"Idempotency-Key": names["idempotency_key"], "Content-Type": "application/json"} if body else {}
    plain |= wanted.get("headers", {})
    signed = {"method": method, "path": world.base_path + path, "query": query, "body": body, **sign}
    make = _message_signature if case.get("scheme") == "message" else _header_signature
    credentials, shown = make(signed, key, world.authority, names)
    tamper = _filled(case.get("tamper", {}), {**names, **shown})
    headers = {"Host": world.authority, **plain, **credentials, **tamper.get("headers", {})}
    target = wanted.get("prefix", world.base_path) + tamper.get("path", path)
    query = tamper.get("query", query)
    return Request(
        tamper.get("method", method),
        f"{target}?{query}" if query else target,
        [(name, one) for name, value in headers.items() for one in _every(value)],
        _text(tamper["body"]) if "body" in tamper else body,
    )


def _header_signature(signed: Case, key: Key, _: str, names: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    target = f"{signed['path']}?{signed['query']}" if signed["query"] else signed["path"]
    timestamp, nonce = signed.get("timestamp", names["now"]), signed.get("nonce", names["nonce"])
    digest = signed.get("digest", hashlib.sha256(signed["body"]).hexdigest())
    text = signed.get("separator", "\n").join((signed["method"], target, timestamp, nonce, digest))
    signature = key.sign((text + signed.get("end", "")).encode()).hex()
    headers = dict(zip(("X-API-Key", "X-Timestamp", "X-Nonce"), (key.key_id, timestamp, nonce), strict=True))
    shown = {"signature": signature, "signature_upper": signature.upper(), "signature_short": signature[:-1]}
    return {**headers, "X-Content-SHA256": digest, "X-Signature": signature}, shown


def _message_signature(
    signed: Case, key: Key, authority: str, names: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    digest = signed.get("digest", f"sha-256=:{b64encode(hashlib.sha256(signed['body']).digest()).decode()}:")
    values = {
        '"@method"': signed["method"],
        '"@authority"': signed.get("authority", authority),
        '"@path"': signed["path"],
        '"@query"': f"?{signed['query']}",
        '"content-digest"': digest,
        '"@target-uri"': f"http://{authority}{signed['path']}",
        '"@request-target"': signed["path"],
        '"@scheme"': "http",
        '"content-type"': "application/json",
    }
    components = signed.get("components", COMPONENTS)
    parameters = f"({' '.join(components)});{signed.get('parameters', _filled(PARAMETERS, names))}"
    lines = [f"{name}: {values.get(name.partition(';')[0], '')}" for name in components]
    made = key.sign("\n".join([*lines, f'"@signature-params": {parameters}']).encode())
    shown = {"signature": b64encode(made).decode(), "signature_short": b64encode(made[:-1]).decode()}
    shown |= {"input": f"sig1={parameters}", "parameters": parameters}
    signature = f"sig1=:{shown['signature']}:"
    return {"Content-Digest": digest, "Signature-Input": shown["input"], "Signature": signature}, shown


def _body(wanted: Case, method: str) -> bytes:
    if "hex" in wanted:
        return bytes.fromhex(wanted["hex"])
    if "body" in wanted or method == "GET":
        return _text(wanted.get("body", ""))
    return json.dumps({**PAYMENT, **wanted.get("fields", {})}).encode()


def _text(body: str | list[Any]) -> bytes:
    """A text, or pieces of it, each ``[text, times]`` or a text."""
    pieces = [body] if isinstance(body, str) else body
    return "".join(one if isinstance(one, str) else one[0] * one[1] for one in pieces).encode()


def _every(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return Template(value).safe_substitute(names)
    if isinstance(value, dict):
        return {name: _filled(one, names) for name, one in value.items()}
    return [_filled(one, names) for one in value] if isinstance(value, list) else value
