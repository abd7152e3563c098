"""The gateway for users' tests refuses what the real one refuses, with its codes, and decides as scripted."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from portcullis.client import (
    Approved,
    AsyncGateway,
    AuthenticationError,
    Denied,
    Gateway,
    IdempotencyConflictError,
    MalformedRequestError,
    NotFoundError,
    PendingApproval,
    RateLimitedError,
    RetryPolicy,
    Violation,
)
from portcullis.client.exchange import Answer
from portcullis.client.gateway import Environment
from portcullis.client.parsing import created
from portcullis.client.testing import FakeGateway
from portcullis.domain import identifiers
from portcullis.domain.credentials import Refused, SignedRequest
from portcullis.domain.record import describe
from portcullis.domain.verification import KeyRecord, verify
from portcullis.protocol import keys, signing
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


def test_what_it_does_not_know_is_not_found(fake: FakeGateway) -> None:
    with pytest.raises(NotFoundError):
        gateway(fake).get_transaction("tx_" + "7" * 22)


@pytest.mark.parametrize(
    ("body", "key", "field"),
    [
        (b"{", "payment-00000001", "body"),
        (b"[]", "payment-00000001", "body"),
        (json.dumps(FIELDS).encode(), "short", "Idempotency-Key"),
        (json.dumps({**FIELDS, "amount": 1.5}).encode(), "payment-00000001", "amount"),
        (json.dumps({**FIELDS, "colour": "red"}).encode(), "payment-00000001", "colour"),
        (json.dumps({"kind": "transfer"}).encode(), "payment-00000001", "amount"),
    ],
)
def test_a_malformed_transaction_is_refused(fake: FakeGateway, body: bytes, key: str, field: str) -> None:
    path = "/test/v1/transactions"
    headers = signing.signed_headers(fake.key_id, fake.secret, "POST", path, "", body, NOW, "n" * 16)
    request = httpx.Request("POST", fake.url + "/v1/transactions", content=body, headers=headers)
    request.headers["Idempotency-Key"] = key
    answer = fake.handle(request)
    with pytest.raises(MalformedRequestError) as caught:
        created(Answer(answer.status_code, dict(answer.headers), answer.content))
    assert caught.value.members["field"] == field


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


def judged_by_the_real_one(fake: FakeGateway, request: httpx.Request) -> str:
    path, _, query = request.url.raw_path.decode().partition("?")
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.multi_items():
        headers.setdefault(name.lower(), []).append(value)
    record = KeyRecord(fake.key_id, fake.agent_id, "active", 1, (), (), 0)
    verdict = verify(
        SignedRequest(request.method, path, parse_qsl(query, keep_blank_values=True), headers, "203.0.113.7"),
        stage="test",
        now=NOW * 1_000_000,
        find_key=lambda key_id: record if key_id == fake.key_id else None,
        secret_of=lambda _key_id: fake.secret,
        check_ed25519=lambda *_: False,
        claim_nonce=lambda *_claim: True,
    )
    return verdict.code if isinstance(verdict, Refused) else "ok"


@pytest.mark.parametrize("name", ALTERATIONS)
def test_it_judges_as_the_real_one_does(fake: FakeGateway, name: str) -> None:
    request = ALTERATIONS[name](fake, signed(fake))
    expected = judged_by_the_real_one(fake, request)
    answer = fake.handle(request)
    assert (answer.json().get("code", "ok"), fake.requests[-1].code) == (expected, expected)
    assert (expected == "ok") == (name in ("none", "the query in another order", "oldest", "newest"))


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
