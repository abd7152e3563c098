"""Each command sends one signed call, and prints for people or for programs."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from portcullis.aws import ed25519
from portcullis.protocol import keys, signing
from portcullis.protocol.credentials import Credentials, SignedRequest, read_credentials
from tests.unit.cli.gateway import AGENT, KEY_ID, SECRET, Cli, assert_signed_by_the_operator, ok, refused

POLICY = {
    "allowlist": {"wallets": []},
    "limits": {"per_transaction": "500", "daily": "1000"},
    "tiers": {"human_above": "100"},
}
AGENT_ENTRY = {"agent_id": AGENT, "name": "payer [bold]", "state": "active", "policy_version": 3, "created_at": "t"}
KEY = {"key_id": KEY_ID, "agent_id": AGENT, "state": "active", "scopes": ["transactions:read"], "ip_ranges": []}
PAGES: list[tuple[tuple[str, ...], str, dict[str, Any], str]] = [
    (("agent", "list"), "/v1/agents?limit=50", {"agents": [AGENT_ENTRY], "cursor": None}, "payer [bold]"),
    (("keys", "list", AGENT), f"/v1/agents/{AGENT}/keys?limit=50", {"keys": [KEY], "cursor": None}, KEY_ID),
    (
        ("transactions", "list", AGENT, "--status", "denied", "--limit", "5"),
        f"/v1/agents/{AGENT}/transactions?limit=5&status=denied",
        {"transactions": [{"id": "tx_1", "status": "denied"}], "cursor": None},
        "tx_1",
    ),
    (
        ("events", "list", AGENT, "--cursor", "a b/+="),
        f"/v1/agents/{AGENT}/events?cursor=a%20b%2F%2B%3D&limit=50",
        {"events": [{"at": "t", "type": "agent.created"}], "cursor": None},
        "agent.created",
    ),
    (("prices", "list"), "/v1/prices", {"prices": {"USDC": {"usd": "1", "expires_at": None}}}, "USDC"),
    (("agent", "show", AGENT), f"/v1/agents/{AGENT}", AGENT_ENTRY, "payer [bold]"),
]
reads = pytest.mark.parametrize(("arguments", "target", "body", "seen"), PAGES)


@reads
def test_reads(cli: Cli, arguments: tuple[str, ...], target: str, body: dict[str, Any], seen: str) -> None:
    cli.answers = [ok(body)]
    result = cli.run(*arguments)
    assert (result.code, seen in result.out) == (0, True)
    assert cli.sent[0].url.raw_path.decode() == f"/local{target}"
    assert_signed_by_the_operator(cli.sent[0])


@reads
def test_reads_for_programs(cli: Cli, arguments: tuple[str, ...], target: str, body: dict[str, Any], seen: str) -> None:
    cli.answers = [ok(body)]
    assert json.loads(cli.run(*arguments, as_json=True).out) == body


def test_a_further_page_is_offered_by_a_command_that_takes_it(cli: Cli) -> None:
    cli.answers = [ok({"keys": [KEY], "cursor": "abc"}), ok({"keys": [], "cursor": None})]
    assert "--cursor abc" in cli.run("keys", "list", AGENT).out
    assert "no keys" in cli.run("keys", "list", AGENT, "--cursor", "abc").out
    assert cli.sent[1].url.params["cursor"] == "abc"


def test_the_last_use_of_a_key_stands_beside_it_and_breaks_no_id(cli: Cli) -> None:
    instant, address = "2026-11-21T06:31:00.000Z", "2001:db8:1111:2222:3333:4444:5555:6666"
    times = {"expires_at": instant, "created_at": instant, "last_used": {"at": instant, "ip": address}}
    full: dict[str, Any] = {"scopes": ["transactions:create", "transactions:read"]}
    full |= {"rate": {"per_minute": 60000, "burst": 1000}}
    full |= {"key_class": "development", "age_days": 1_000, "rotate_by": instant, "overdue": True, "parent": KEY_ID}
    used = {**KEY, **full, **times, "algorithm": "hmac-sha256", "ip_ranges": ["2001:db8::/32"] * 16}
    cli.answers = [ok({"keys": [used, {**KEY, "last_used": None}], "cursor": None})]
    heading, first, *_, last = cli.run("keys", "list", AGENT).out.splitlines()
    assert heading.split()[-3:] == ["LAST", "USED", "FROM"]
    assert first.split()[-3:] == [instant, instant, address]
    assert (first.split()[0], last.split()[0]) == (KEY_ID, KEY_ID)
    assert last.split()[-1] == "transactions:read"


def test_create_an_agent_from_a_file_and_from_standard_input(cli: Cli) -> None:
    (cli.home / "policy.json").write_text(json.dumps(POLICY))
    for source in (str(cli.home / "policy.json"), "-"):
        cli.answers = [ok(AGENT_ENTRY, 201)]
        assert cli.run("agent", "create", "payer", "--policy", source, stdin=json.dumps(POLICY)).code == 0
        assert json.loads(cli.sent[-1].content) == {"name": "payer", "policy": POLICY}
        assert_signed_by_the_operator(cli.sent[-1])


def test_suspend_and_revoke_and_set_a_price(cli: Cli) -> None:
    cli.answers = [ok(AGENT_ENTRY), ok(KEY), ok({"usd": "1"})]
    assert cli.run("agent", "suspend", AGENT, "--reason", "drill").code == 0
    assert cli.run("keys", "revoke", AGENT, KEY_ID).code == 0
    assert cli.run("prices", "set", "USDC", "1.00").code == 0
    called = [(request.method, request.url.path, json.loads(request.content)) for request in cli.sent]
    assert called == [
        ("POST", f"/local/v1/agents/{AGENT}/suspend", {"reason": "drill"}),
        ("POST", f"/local/v1/agents/{AGENT}/keys/{KEY_ID}/revoke", {}),
        ("PUT", "/local/v1/prices/USDC", {"usd": "1.00"}),
    ]


def test_issuing_shows_the_secret_with_a_warning(cli: Cli) -> None:
    cli.answers = [ok({**KEY, "secret": SECRET}, 201)]
    result = cli.run("keys", "issue", AGENT, "--scope", "transactions:read", "--ip-range", "203.0.113.0/24")
    assert result.out.count(SECRET) == 1
    assert "shown once" in result.err
    assert json.loads(cli.sent[0].content) == {"scopes": ["transactions:read"], "ip_ranges": ["203.0.113.0/24"]}


def test_issuing_for_a_shell(cli: Cli) -> None:
    cli.answers = [ok({**KEY, "secret": SECRET}, 201)]
    lines = cli.run("keys", "issue", AGENT, "--env").out.splitlines()
    assert lines == [f"export PORTCULLIS_KEY_ID={KEY_ID}", f"export PORTCULLIS_SECRET={SECRET}"]


def test_a_lost_answer_to_issuing_is_asked_for_again_under_the_same_key(cli: Cli) -> None:
    cli.answers = [httpx.ReadError("reset"), ok({**KEY, "secret": SECRET}, 201)]
    assert SECRET in cli.run("keys", "issue", AGENT).out
    assert len({request.headers["Idempotency-Key"] for request in cli.sent}) == 1


def test_what_has_no_idempotency_key_is_sent_once(cli: Cli) -> None:
    cli.answers = [httpx.ReadError("reset")]
    assert cli.run("agent", "suspend", AGENT, "--reason", "drill").code == 3
    assert len(cli.sent) == 1


def test_the_policy_round_trip(cli: Cli) -> None:
    cli.answers = [ok({"version": 3, "sha256": "ab", "policy": POLICY})]
    got = cli.run("policy", "get", AGENT)
    assert json.loads(got.out) == POLICY
    assert "version 3" in got.err
    (cli.home / "p.json").write_text(got.out)
    cli.answers = [ok({"version": 4, "sha256": "cd", "policy": POLICY})]
    assert cli.run("policy", "put", AGENT, "p.json", "--if-match", "3").code == 0
    assert (cli.sent[-1].method, cli.sent[-1].headers["If-Match"]) == ("PUT", '"3"')
    assert_signed_by_the_operator(cli.sent[-1])


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(("said", "code", "calls"), [("y\n", 0, 2), ("n\n", 2, 1), ("", 2, 1)])
def test_a_policy_is_replaced_only_when_agreed(cli: Cli, as_json: bool, said: str, code: int, calls: int) -> None:
    (cli.home / "p.json").write_text(json.dumps({**POLICY, "tiers": {"human_above": "50"}}))
    cli.answers = [ok({"version": 3, "sha256": "ab", "policy": POLICY}), ok({"version": 4, "policy": {}})]
    result = cli.run("policy", "put", AGENT, "p.json", stdin=said, as_json=as_json)
    assert (result.code, len(cli.sent)) == (code, calls)
    assert '-    "human_above": "100"' in result.err
    assert '+    "human_above": "50"' in result.err


def test_yes_asks_nothing(cli: Cli) -> None:
    cli.answers = [ok({"version": 3, "policy": POLICY}), ok({"version": 4, "policy": POLICY})]
    assert cli.run("policy", "put", AGENT, "-", "--yes", stdin=json.dumps(POLICY)).code == 0
    assert cli.sent[1].headers["If-Match"] == '"3"'


def test_sign_and_send_shows_what_is_signed_but_not_the_secret(cli: Cli) -> None:
    cli.answers = [ok({"agent_id": AGENT})]
    result = cli.run("agent", "sign-and-send", "get", "/v1/whoami?b=2&a=1 x", "--show")
    request = cli.sent[0]
    target = request.url.raw_path.decode()
    assert target == "/local/v1/whoami?a=1%20x&b=2"
    names = (signing.TIMESTAMP_HEADER, signing.NONCE_HEADER, signing.DIGEST_HEADER)
    path, _, query = target.partition("?")
    text = signing.string_to_sign("GET", path, query, *(request.headers[name] for name in names))
    assert text in result.out
    assert f"X-Signature: {request.headers['X-Signature']}" in result.out
    assert signing.matches(SECRET, text, request.headers["X-Signature"])
    assert SECRET not in result.out + result.err


def judged(request: httpx.Request, check: Callable[[str, str], bool]) -> bool:
    """Whether ``check(text, signature)`` holds for what the gateway reads from ``request``."""
    path, _, query = request.url.raw_path.decode().partition("?")
    fields = {name: [value] for name, value in request.headers.items()}
    credentials = read_credentials(SignedRequest(request.method, path, parse_qsl(query), fields, ""), "local")
    assert isinstance(credentials, Credentials)
    assert (credentials.key_id.text, credentials.digest) == (KEY_ID, signing.body_digest(request.content))
    return check(credentials.text, credentials.signature)


def test_sign_and_send_signs_messages_with_the_secret(cli: Cli) -> None:
    cli.answers = [ok({})]
    result = cli.run("agent", "sign-and-send", "GET", "/v1/whoami?b=2&a=1", "--scheme", "rfc9421", "--show")
    assert judged(cli.sent[0], partial(signing.matches, SECRET))
    assert '"@query": ?a=1&b=2\n' in result.out
    assert f"Signature-Input: {cli.sent[0].headers['Signature-Input']}" in result.out
    assert not {"x-api-key", "x-signature"} & set(cli.sent[0].headers)
    assert SECRET not in result.out + result.err


def test_sign_and_send_signs_messages_with_a_private_key(cli: Cli) -> None:
    private_key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = cli.home / "agent.pem"
    file.write_bytes(pem)
    file.chmod(0o600)
    cli.answers = [ok({}, 201)]
    given = ("--agent-url", "https://gateway.example.com/local", "--key-id", KEY_ID, "--private-key", str(file))
    result = cli.run("agent", "sign-and-send", "POST", "/v1/transactions", "--body", "{}", "--show", *given)
    assert judged(cli.sent[0], partial(ed25519.verifies, private_key.public_key().public_bytes_raw()))
    assert '"@authority": gateway.example.com\n' in result.out
    assert (result.code, pem.decode().splitlines()[1] in result.out) == (0, False)


def test_sign_and_send_posts_a_file_as_any_agent(cli: Cli) -> None:
    (cli.home / "body.json").write_bytes(b'{"a": 1}')
    cli.answers = [ok({}, 201)]
    environment = ("--agent-url", "https://gateway.example.com/local", "--key-id", KEY_ID, "--secret", SECRET)
    result = cli.run("agent", "sign-and-send", "POST", "/v1/transactions", "--body", "@body.json", *environment)
    assert (result.code, cli.sent[0].content) == (0, b'{"a": 1}')
    assert str(cli.sent[0].url) == "https://gateway.example.com/local/v1/transactions"
    assert len(cli.sent[0].headers["Idempotency-Key"]) >= 16


def test_sign_and_send_for_programs(cli: Cli) -> None:
    cli.answers = [refused("not_found")]
    result = cli.run("agent", "sign-and-send", "GET", "/v1/nothing", "--show", as_json=True)
    assert result.code == 1
    assert json.loads(result.out)["body"]["code"] == "not_found"


def test_a_key_is_issued_with_a_class_and_for_rotation_by_its_agent(cli: Cli) -> None:
    cli.answers = [ok(KEY, 201)]
    assert cli.run("keys", "issue", AGENT, "--class", "high_value", "--self-rotation").code == 0
    assert json.loads(cli.sent[0].content) == {"key_class": "high_value", "self_rotation": True}


NEW_KEY_ID = keys.new_key_id("local", "1", b"n" * 20)
ROTATED = {
    **KEY,
    "key_id": NEW_KEY_ID,
    "parent": KEY_ID,
    "secret": SECRET,
    "parent_ends_at": "2026-11-22T06:31:00.000Z",
}


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ((), {}),
        (("--overlap", "24h"), {"overlap_seconds": 86_400}),
        (("--overlap", "30s"), {"overlap_seconds": 30}),
        (("--overlap", "0"), {"overlap_seconds": 0}),
    ],
)
def test_rotating_shows_the_new_secret_and_when_the_old_key_ends(
    cli: Cli, options: tuple[str, ...], body: dict[str, Any]
) -> None:
    cli.answers = [httpx.ReadError("reset"), ok(ROTATED, 201)]
    result = cli.run("keys", "rotate", AGENT, KEY_ID, *options)
    assert result.out.count(SECRET) == 1
    assert f"{KEY_ID} is refused from 2026-11-22T06:31:00.000Z on" in result.err
    assert [json.loads(request.content) for request in cli.sent] == [body, body]
    assert {request.url.path for request in cli.sent} == {f"/local/v1/agents/{AGENT}/keys/{KEY_ID}/rotate"}
    assert len({request.headers["Idempotency-Key"] for request in cli.sent}) == 1


def test_rotating_for_a_shell_and_for_a_public_key(cli: Cli, tmp_path: Path) -> None:
    cli.answers = [ok(ROTATED, 201), ok({**ROTATED, "public_key": PUBLIC_KEY}, 201)]
    lines = cli.run("keys", "rotate", AGENT, KEY_ID, "--env").out.splitlines()
    assert lines == [f"export PORTCULLIS_KEY_ID={NEW_KEY_ID}", f"export PORTCULLIS_SECRET={SECRET}"]
    (tmp_path / "agent.pub").write_text(PEM)
    assert cli.run("keys", "rotate", AGENT, KEY_ID, "--public-key", str(tmp_path / "agent.pub")).code == 0
    assert json.loads(cli.sent[1].content) == {"public_key": PUBLIC_KEY}


@pytest.mark.parametrize("overlap", ["24", "1w", "-1h", "", "1.5h"])
def test_what_is_no_span_of_time_is_never_sent(cli: Cli, overlap: str) -> None:
    assert cli.run("keys", "rotate", AGENT, KEY_ID, "--overlap", overlap).code == 2
    assert cli.sent == []


def test_all_keys_are_revoked_only_when_it_is_said_so(cli: Cli) -> None:
    cli.answers = [ok({"agent_id": AGENT, "revoked": [KEY_ID]})]
    assert [cli.run("keys", "revoke", AGENT, *more).code for more in ((), (KEY_ID, "--all"))] == [2, 2]
    assert KEY_ID in cli.run("keys", "revoke", AGENT, "--all").out
    assert [request.url.path for request in cli.sent] == [f"/local/v1/agents/{AGENT}/keys/revoke"]


def test_the_list_of_keys_shows_age_and_marks_what_is_overdue(cli: Cli) -> None:
    due = {**KEY, "key_class": "production", "age_days": 31, "rotate_by": "2026-11-21T06:31:00.000Z", "overdue": True}
    fresh = {**due, "key_id": NEW_KEY_ID, "age_days": 0, "overdue": False, "parent": KEY_ID}
    cli.answers = [ok({"keys": [fresh, due], "cursor": None})]
    heading, new, old = cli.run("keys", "list", AGENT).out.splitlines()
    assert heading.split()[:7] == ["KEY", "STATE", "CLASS", "AGE", "ROTATE", "BY", "PARENT"]
    assert new.split()[:7] == [NEW_KEY_ID, "active", "production", "0", "d", "2026-11-21T06:31:00.000Z", KEY_ID]
    assert old.split()[2:7] == ["production", "31", "d", "2026-11-21T06:31:00.000Z", "OVERDUE"]


def test_a_key_is_issued_with_a_rate_and_retired(cli: Cli) -> None:
    cli.answers = [ok(KEY), ok(KEY)]
    assert cli.run("keys", "issue", AGENT, "--per-minute", "60", "--burst", "5").code == 0
    assert cli.run("keys", "retire", AGENT, KEY_ID, "--until", "2026-11-21T06:31:00Z").code == 0
    assert [json.loads(request.content) for request in cli.sent] == [
        {"rate": {"per_minute": 60, "burst": 5}},
        {"until": "2026-11-21T06:31:00Z"},
    ]
    assert cli.sent[1].url.path == f"/local/v1/agents/{AGENT}/keys/{KEY_ID}/retire"


PUBLIC_KEY = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
SPKI = f"MCowBQYDK2VwAyEA{PUBLIC_KEY.replace('_', '/').replace('-', '+')}="
PEM = f"-----BEGIN PUBLIC KEY-----\n{SPKI}\n-----END PUBLIC KEY-----\n"


@pytest.mark.parametrize("text", [PUBLIC_KEY + "\n", PEM])
def test_issuing_for_a_public_key_shows_no_secret(cli: Cli, tmp_path: Path, text: str) -> None:
    file = tmp_path / "agent.pub"
    file.write_text(text)
    cli.answers = [ok({**KEY, "algorithm": "ed25519", "public_key": PUBLIC_KEY}, 201)] * 2
    result = cli.run("keys", "issue", AGENT, "--public-key", str(file))
    assert json.loads(cli.sent[0].content) == {"public_key": PUBLIC_KEY}
    assert "secret" not in result.out + result.err
    lines = cli.run("keys", "issue", AGENT, "--public-key", str(file), "--env").out.splitlines()
    assert lines == [f"export PORTCULLIS_KEY_ID={KEY_ID}"]


@pytest.mark.parametrize("text", ["", "-----BEGIN PRIVATE KEY-----\n", "é", None])
def test_what_is_no_public_key_is_never_sent(cli: Cli, tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "agent.pub"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    assert cli.run("keys", "issue", AGENT, "--public-key", str(file)).code == 2
    assert cli.sent == []
