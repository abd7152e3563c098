"""A gateway that answers from a script, and a world whose clock moves only when somebody sleeps."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from portcullis.client.exchange import RetryPolicy
from portcullis.client.gateway import AsyncGateway, Environment, Gateway
from portcullis.protocol import keys, problems, signing

KEY_ID = keys.new_key_id("local", "1", b"k" * 20)
SECRET = keys.secret_from_mac("local", b"s" * 32)
OTHER_STAGE_SECRET = keys.secret_from_mac("live", b"s" * 32)
URL = "https://gateway.example.com/local"
WALLET = "0x52908400098527886E0F7030069857D2E4169EE7"
TXID = "tx_" + "7" * 22
NOW = 1_800_000_000
FIELDS: Any = {
    "kind": "transfer",
    "amount": "12.50",
    "token": "USDC",
    "chain": "base",
    "destination": {"wallet": WALLET},
}
Reply = httpx.Response | Exception
RECORD = {
    **FIELDS,
    "id": TXID,
    "status": "approved",
    "agent_id": "ag_" + "1" * 22,
    "key_id": KEY_ID,
    "usd": "12.50",
    "policy": {"version": 3, "sha256": "ab" * 32},
    "created_at": "2026-11-21T06:31:00.000Z",
}
IDENTITY = {
    "agent_id": "ag_" + "1" * 22,
    "name": "payer",
    "state": "active",
    "key_id": KEY_ID,
    "scopes": ["transactions:create"],
    "policy_version": 3,
}


def problem(code: str, headers: dict[str, str] | None = None, **members: Any) -> httpx.Response:
    """A refusal as the gateway renders it."""
    body = problems.problem_body(code, "req-1", **members)
    return httpx.Response(problems.PROBLEMS[code].status, json=body, headers=headers)


@dataclass
class World:
    """``script`` is answered in order; what was sent, and how long was slept, is recorded."""

    script: Iterable[Reply]
    attempt_seconds: float = 0.0
    jitter: float = 0.5
    sent: list[httpx.Request] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    def __post_init__(self) -> None:
        self._replies = iter(self.script)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        self.elapsed += self.attempt_seconds
        reply = next(self._replies)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)

    def environment(self) -> Environment:
        return Environment(
            clock=lambda: NOW + self.elapsed,
            monotonic=lambda: self.elapsed,
            jitter=lambda: self.jitter,
            sleep=self.sleep,
            sleep_async=self.sleep_async,
        )

    def gateway(self, retry: RetryPolicy | None = None) -> Gateway:
        transport = httpx.MockTransport(self.answer)
        return Gateway(URL, KEY_ID, SECRET, retry=retry, transport=transport, world=self.environment())

    def async_gateway(self, retry: RetryPolicy | None = None) -> AsyncGateway:
        transport = httpx.MockTransport(self.answer)
        return AsyncGateway(URL, KEY_ID, SECRET, retry=retry, transport=transport, world=self.environment())

    def header(self, name: str) -> list[str]:
        return [request.headers[name] for request in self.sent]


def assert_signed(method: str, target: str, body: bytes, header: Callable[[str], str]) -> None:
    """Whether the signature is that of exactly these bytes."""
    path, _, query = target.partition("?")
    digest = signing.body_digest(body)
    text = signing.string_to_sign(method, path, query, header("X-Timestamp"), header("X-Nonce"), digest)
    assert header("X-Content-SHA256") == digest
    assert header("X-API-Key") == KEY_ID
    assert signing.matches(SECRET, text, header("X-Signature"))


def body_of(request: httpx.Request) -> dict[str, Any]:
    """The JSON object that was sent."""
    body: dict[str, Any] = json.loads(request.content)
    return body
