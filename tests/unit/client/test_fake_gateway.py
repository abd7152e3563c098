"""The gateway for users' tests refuses what the real one refuses, with its codes, and decides as scripted."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portcullis.aws import ed25519
from portcullis.client import (
    Approved,
    AsyncGateway,
    AuthenticationError,
    Denied,
    Gateway,
    IdempotencyConflictError,
    MalformedRequestError,
    MessageSignatureAuth,
    NotFoundError,
    PendingApproval,
    RateLimitedError,
    RetryPolicy,
    Violation,
    hmac_signer,
)
from portcullis.client.exchange import Answer
from portcullis.client.gateway import Environment
from portcullis.client.parsing import created
from portcullis.client.testing import FakeGateway
from portcullis.domain import identifiers
from portcullis.domain.record import describe
from portcullis.domain.verification import KeyRecord, verify
from portcullis.protocol import keys, public_keys, signing
from portcullis.protocol.credentials import Refused, SignedRequest
from portcullis.protocol.message_signatures import MessageSigner, content_digest
from portcullis.protocol.strict_json import MAX_BODY_BYTES
from tests.unit.client.world import FIELDS, NOW
from tests.unit.domain import builders

ROOT = Path(__file__).parents[3]
PATH = "/test/v1/whoami"
RECORDS = {"approved": builders.record, "pending_approval": builders.held, "denied": builders.denied}


@pytest.fixture
def fake() -> FakeGateway:
    return FakeGateway(clock=lambda: NOW)


def gateway(fake: FakeGateway, **options: Any) -> Gateway:
    world = Environment(clock=lambda: NOW, sleep=lambda _seconds: None)
    return Gateway(fake.url, fake.key_id, fake.secret, transport=fake.transport, world=world, **options)


def test_every_kind_of_decision(fake: FakeGateway) -> None:
    violation = Violation("daily_limit", "The day's budget is spent.", 7)
    fake.approve()
    fake.hold(by="risk", seconds=60)
    fake.deny(violation)
    client = gateway(fake)
    approved, held, denied = (client.create_transaction(**FIELDS) for _ in range(3))
    assert isinstance(approved, Approved)
    assert isinstance(held, PendingApproval)
    assert (held.approved_by, held.expires_at.timestamp()) == ("risk", NOW + 60)
    assert isinstance(denied, Denied)
    assert denied.violations == (violation,)
    assert [client.get_transaction(made.transaction_id).transaction_id for made in (approved, held, denied)] == [
        made.transaction_id for made in (approved, held, denied)
    ]
    assert client.whoami().key_id == fake.key_id


def test_on_an_event_loop(fake: FakeGateway) -> None:
    async def pay() -> Any:
        world = Environment(clock=lambda: NOW)
        async with AsyncGateway(fake.url, fake.key_id, fake.secret, transport=fake.transport, world=world) as client:
            return await client.create_transaction(**FIELDS)

    assert isinstance(asyncio.run(pay()), Approved)


def test_one_idempotency_key_is_one_transaction(fake: FakeGateway) -> None:
    client = gateway(fake)
    first, again = (client.create_transaction(idempotency_key="payment-00000001", **FIELDS) for _ in range(2))
    assert first == again
    assert first.transaction_id == identifiers.transaction_id(fake.agent_id, "payment-00000001")
    with pytest.raises(IdempotencyConflictError):
        client.create_transaction(idempotency_key="payment-00000001", **{**FIELDS, "amount": "13"})


def test_a_lost_answer_is_asked_for_again(fake: FakeGateway) -> None:
    fake.lose_answer()
    fake.hold()
    assert isinstance(gateway(fake).create_transaction(**FIELDS), PendingApproval)
    assert [request.code for request in fake.requests] == ["ok", "ok"]
    assert len({request.idempotency_key for request in fake.requests}) == 1


def test_scripted_refusals_come_with_their_headers(fake: FakeGateway) -> None:
    fake.refuse("dependency_unavailable")
    assert isinstance(gateway(fake).create_transaction(**FIELDS), Approved)
    fake.refuse("rate_limited", headers={"Retry-After": "7"})
    with pytest.raises(RateLimitedError) as caught:
        gateway(fake, retry=RetryPolicy(attempts=1)).whoami()
    assert caught.value.retry_after == 7
    assert [request.code for request in fake.requests] == ["dependency_unavailable", "ok", "rate_limited"]
    with pytest.raises(ValueError, match="unknown code"):
        fake.refuse("teapot")


def test_a_revoked_key_is_refused_and_a_new_one_works(fake: FakeGateway) -> None:
    client = gateway(fake)
    key_id, secret = fake.issue_key()
    fake.revoke_key(fake.key_id)
    with pytest.raises(AuthenticationError, match="invalid_credentials"):
        client.whoami()
    fake.key_id, fake.secret = key_id, secret
    assert gateway(fake).whoami().key_id == key_id


PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = public_keys.encode_ed25519(PRIVATE_KEY.public_key().public_bytes_raw())


def holder(fake: FakeGateway, algorithm: str) -> tuple[str, MessageSigner]:
    """A key of the agent, and what signs messages with it."""
    if algorithm == "ed25519":
        return fake.register_public_key(PUBLIC_KEY), MessageSigner(algorithm, PRIVATE_KEY.sign)
    return fake.key_id, hmac_signer(fake.key_id, fake.secret)


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "ed25519"])
def test_message_signatures_are_accepted(fake: FakeGateway, algorithm: str) -> None:
    key_id, signer = holder(fake, algorithm)
    auth = MessageSignatureAuth(key_id, signer, clock=lambda: NOW)
    with httpx.Client(base_url=fake.url, auth=auth, transport=fake.transport) as client:
        assert client.get("/v1/whoami?b=2&a=1+1").json()["key_id"] == key_id
        headers = {"Idempotency-Key": "payment-00000001"}
        assert client.post("/v1/transactions", json=FIELDS, headers=headers).status_code == 201
        fake.revoke_key(key_id)
        assert client.get("/v1/whoami").json()["code"] == "invalid_credentials"
    assert [(request.key_id, request.code) for request in fake.requests] == [
        (key_id, "ok"),
        (key_id, "ok"),
        (key_id, "invalid_credentials"),
    ]


def test_no_key_is_registered_that_the_operator_api_would_refuse(fake: FakeGateway) -> None:
    with pytest.raises(public_keys.MalformedPublicKey, match="small order"):
        fake.register_public_key(public_keys.encode_ed25519(b"\x01" + bytes(31)))


def test_a_key_without_a_secret_does_not_sign_with_another_one(fake: FakeGateway) -> None:
    key_id = fake.register_public_key(PUBLIC_KEY)
    headers = signing.signed_headers(key_id, fake.secret, "GET", PATH, "", b"", NOW, "n" * 16)
    assert fake.handle(httpx.Request("GET", f"{fake.url}/v1/whoami", headers=headers)).status_code == 401
    assert (fake.requests[-1].key_id, fake.requests[-1].code) == (key_id, "invalid_credentials")


def test_what_it_does_not_know_is_not_found(fake: FakeGateway) -> None:
    with pytest.raises(NotFoundError):
        gateway(fake).get_transaction("tx_" + "7" * 22)


@pytest.mark.parametrize(
    ("body", "key", "field"),
    [
        (b"{", "payment-00000001", "body"),
        (b"[]", "payment-00000001", "body"),
        (json.dumps(FIELDS).encode(), "short", "Idempotency-Key"),
        (json.dumps({**FIELDS, "amount": 1.5}).encode(), "payment-00000001", "body"),
        (json.dumps({**FIELDS, "amount": 1}).encode(), "payment-00000001", "amount"),
        (json.dumps({**FIELDS, "memo": "u\u0308"}).encode(), "payment-00000001", "memo"),
        (b'{"amount":"1","amount":"2"}', "payment-00000001", "body"),
        (b"[" * 10_000, "payment-00000001", "body"),
        (b"", "payment-00000001", "body"),
        (json.dumps({**FIELDS, "colour": "red"}).encode(), "payment-00000001", "colour"),
        (json.dumps({"kind": "transfer"}).encode(), "payment-00000001", "amount"),
    ],
)
def test_a_malformed_transaction_is_refused(fake: FakeGateway, body: bytes, key: str, field: str) -> None:
    path = "/test/v1/transactions"
    headers = signing.signed_headers(fake.key_id, fake.secret, "POST", path, "", body, NOW, "n" * 16)
    request = httpx.Request("POST", fake.url + "/v1/transactions", content=body, headers=headers)
    request.headers.update({"Idempotency-Key": key, "Content-Type": "application/json"})
    answer = fake.handle(request)
    with pytest.raises(MalformedRequestError) as caught:
        created(Answer(answer.status_code, dict(answer.headers), answer.content))
    assert caught.value.members["field"] == field


@pytest.mark.parametrize(
    ("types", "size", "code"),
    [
        ([], 2, "malformed_request"),
        (["text/plain"], 2, "malformed_request"),
        (["application/json"] * 2, 2, "malformed_request"),
        (["application/json"], MAX_BODY_BYTES, "malformed_request"),
        (["application/json"], MAX_BODY_BYTES + 1, "too_large"),
    ],
)
def test_a_body_says_that_it_is_json_and_is_bounded(fake: FakeGateway, types: list[str], size: int, code: str) -> None:
    body = b"{" + b" " * (size - 2) + b"}"
    headers = signing.signed_headers(fake.key_id, fake.secret, "POST", "/test/v1/transactions", "", body, NOW, "n" * 16)
    named = [*headers.items(), ("Idempotency-Key", "payment-00000001"), *(("Content-Type", one) for one in types)]
    answer = fake.handle(httpx.Request("POST", fake.url + "/v1/transactions", content=body, headers=named))
    assert answer.json()["code"] == code
    if types != ["application/json"]:
        assert answer.json()["field"] == "Content-Type"


def test_the_public_form_has_the_fields_of_the_real_one(fake: FakeGateway) -> None:
    for status, script in (("approved", fake.approve), ("pending_approval", fake.hold), ("denied", fake.deny)):
        script()
        made = gateway(fake).create_transaction(**FIELDS)
        answer = fake._entries[made.transaction_id].described
        record = RECORDS[status](content=json.dumps(FIELDS))
        shown = describe(record)
        assert answer.keys() == shown.keys()
        assert answer.get("approval", {}).keys() == shown.get("approval", {}).keys()


def test_the_documented_example_runs() -> None:
    blocks = re.findall(r"```python\n(.+?)```", (ROOT / "docs/sdk.md").read_text(), re.DOTALL)
    (example,) = [block for block in blocks if "FakeGateway" in block]
    namespace: dict[str, Any] = {}
    exec(example, namespace)  # noqa: S102 the page's own code is what is tested
    tests = [value for name, value in namespace.items() if name.startswith("test_")]
    for test in tests:
        test()
    assert tests


# What an attacker, or a faulty client, makes of a good request. Each is judged by the real verification too.
Alteration = Callable[[FakeGateway, httpx.Request], httpx.Request]


def altered(name: str, value: str | None) -> Alteration:
    def alter(_fake: FakeGateway, request: httpx.Request) -> httpx.Request:
        del request.headers[name]
        if value is not None:
            request.headers[name] = value
        return request

    return alter


def repeated(name: str) -> Alteration:
    def alter(_fake: FakeGateway, request: httpx.Request) -> httpx.Request:
        request.headers = httpx.Headers([*request.headers.raw, (name.encode(), b"nonce-of-another-one")])
        return request

    return alter


def signed_at(seconds: int) -> Alteration:
    return lambda fake, _request: signed(fake, timestamp=NOW + seconds)


def target(value: str) -> Alteration:
    def alter(_fake: FakeGateway, request: httpx.Request) -> httpx.Request:
        request.url = request.url.copy_with(raw_path=value.encode())
        return request

    return alter


ALTERATIONS: dict[str, Alteration] = {
    "none": lambda _fake, request: request,
    **{f"no {name}": altered(name, None) for name in signing.CREDENTIAL_HEADERS},
    **{f"empty {name}": altered(name, "") for name in signing.CREDENTIAL_HEADERS},
    **{f"repeated {name}": repeated(name) for name in signing.CREDENTIAL_HEADERS},
    "unknown key": altered("X-API-Key", keys.new_key_id("test", "0", b"x" * 20)),
    "key of another stage": altered("X-API-Key", keys.new_key_id("live", "0", b"x" * 20)),
    "signature of zeros": altered("X-Signature", "0" * 64),
    "signature in upper case": altered("X-Signature", "A" * 64),
    "another nonce": altered("X-Nonce", "another-nonce-000000"),
    "a short nonce": altered("X-Nonce", "short"),
    "another digest": altered("X-Content-SHA256", "1" * 64),
    "another time": altered("X-Timestamp", str(NOW + 1)),
    "a time with a sign": altered("X-Timestamp", f"+{NOW}"),
    "another path": target("/test/v1/whoamI?a=1&b=2"),
    "a path with percent": target("/test/v1/%77hoami?a=1&b=2"),
    "another query": target(f"{PATH}?a=1&b=3"),
    "no query": target(PATH),
    "the query in another order": target(f"{PATH}?b=2&a=1"),
    "oldest": signed_at(-300),
    "newest": signed_at(300),
    "stale": signed_at(-301),
    "future": signed_at(301),
}


def signed(fake: FakeGateway, timestamp: int = NOW) -> httpx.Request:
    headers = signing.signed_headers(fake.key_id, fake.secret, "GET", PATH, "a=1&b=2", b"", timestamp, "n" * 16)
    return httpx.Request("GET", f"https://fake-gateway.invalid{PATH}?a=1&b=2", headers=headers)


def signed_message(key_id: str, signer: MessageSigner, created: int = NOW) -> httpx.Request:
    request = httpx.Request("GET", f"https://fake-gateway.invalid{PATH}?a=1&b=2")
    auth = MessageSignatureAuth(key_id, signer, clock=lambda: created, nonce=lambda: "n" * 16)
    signed = next(auth.auth_flow(request))
    signed.headers = httpx.Headers(signed.headers.raw)
    return signed


def judged_by_the_real_one(fake: FakeGateway, request: httpx.Request, record: KeyRecord) -> str:
    path, _, query = request.url.raw_path.decode().partition("?")
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.multi_items():
        headers.setdefault(name.lower(), []).append(value)
    verdict = verify(
        SignedRequest(request.method, path, parse_qsl(query, keep_blank_values=True), headers, "203.0.113.7"),
        stage="test",
        now=NOW * 1_000_000,
        find_key=lambda key_id: record if key_id == record.key_id else None,
        secret_of=lambda _key_id: fake.secret,
        check_ed25519=ed25519.verifies,
        claim_nonce=lambda *_claim: True,
    )
    return verdict.code if isinstance(verdict, Refused) else "ok"


def assert_judged_alike(fake: FakeGateway, request: httpx.Request, record: KeyRecord) -> str:
    expected = judged_by_the_real_one(fake, request, record)
    answer = fake.handle(request)
    assert (answer.json().get("code", "ok"), fake.requests[-1].code) == (expected, expected)
    return expected


@pytest.mark.parametrize("name", ALTERATIONS)
def test_it_judges_as_the_real_one_does(fake: FakeGateway, name: str) -> None:
    record = KeyRecord(fake.key_id, fake.agent_id, "active", 1, (), (), 0)
    code = assert_judged_alike(fake, ALTERATIONS[name](fake, signed(fake)), record)
    assert (code == "ok") == (name in ("none", "the query in another order", "oldest", "newest"))


MESSAGE_ALTERATIONS: dict[str, tuple[Alteration, str]] = {
    "none": (ALTERATIONS["none"], "ok"),
    "the query in another order": (ALTERATIONS["the query in another order"], "ok"),
    "another query": (ALTERATIONS["another query"], "invalid_credentials"),
    "another path": (ALTERATIONS["another path"], "invalid_credentials"),
    "a path with percent": (ALTERATIONS["a path with percent"], "malformed_credentials"),
    "another host": (altered("Host", "other.example.com"), "invalid_credentials"),
    "another digest": (altered("Content-Digest", content_digest(b"x")), "invalid_credentials"),
    "no digest": (altered("Content-Digest", None), "missing_credentials"),
    "no signature": (altered("Signature", None), "missing_credentials"),
    "repeated": (repeated("Signature-Input"), "malformed_credentials"),
    "both schemes": (repeated("X-Nonce"), "malformed_credentials"),
}


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "ed25519"])
@pytest.mark.parametrize("name", MESSAGE_ALTERATIONS)
def test_it_judges_messages_as_the_real_one_does(fake: FakeGateway, algorithm: str, name: str) -> None:
    key_id, signer = holder(fake, algorithm)
    record = KeyRecord(key_id, fake.agent_id, "active", 1, (), (), 0, algorithm=algorithm)
    if algorithm == "ed25519":
        record = replace(record, public_key=public_keys.parse_ed25519(PUBLIC_KEY))
    alter, code = MESSAGE_ALTERATIONS[name]
    assert assert_judged_alike(fake, alter(fake, signed_message(key_id, signer)), record) == code


@pytest.mark.parametrize(("off", "code"), [(-301, "timestamp_out_of_window"), (-300, "ok"), (300, "ok")])
def test_a_message_is_judged_by_the_gateways_clock(fake: FakeGateway, off: int, code: str) -> None:
    answer = fake.handle(signed_message(*holder(fake, "ed25519"), NOW + off))
    assert answer.json().get("code", "ok") == code


def test_a_nonce_serves_once_and_only_verified_requests_use_one_up(fake: FakeGateway) -> None:
    forged = signed(fake)
    forged.headers["X-Signature"] = "0" * 64
    codes = [fake.handle(request).json().get("code", "ok") for request in (forged, signed(fake), signed(fake))]
    assert codes == ["invalid_credentials", "ok", "nonce_replayed"]


def test_a_body_other_than_the_one_signed_is_refused(fake: FakeGateway) -> None:
    body = json.dumps(FIELDS).encode()
    headers = signing.signed_headers(fake.key_id, fake.secret, "POST", "/test/v1/transactions", "", body, NOW, "n" * 16)
    headers["Idempotency-Key"] = "payment-00000001"
    other = body.replace(b"12.50", b"99.50")
    answer = fake.handle(httpx.Request("POST", fake.url + "/v1/transactions", content=other, headers=headers))
    assert (answer.status_code, answer.json()["code"]) == (400, "body_digest_mismatch")
