"""An agent's day at the gate, step by step, with what it must come to."""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from portcullis.client import Decision, Denied, Gateway, PendingApproval
from portcullis.protocol import signing

STRANGER = "0x8617e340b3d01fa5f11f306f4090fd50e238070d"


@dataclass(frozen=True)
class Line:
    """What was tried, what came of it, and what was promised."""

    tried: str
    came: str
    promised: str


@dataclass(frozen=True)
class Captured:
    """A signed request as someone on its way would see it."""

    headers: Mapping[str, str]
    body: bytes


class Day:
    """An agent with its client, and the plain HTTP that a thief of one request has."""

    def __init__(self, agent_url: str, agent: dict[str, Any]) -> None:
        self._agent = agent
        self._url = agent_url
        self._gateway = Gateway(self._url, self._agent["key_id"], self._agent["secret"])
        self._http = httpx.Client(timeout=30)
        self.transactions: list[str] = []

    def lines(self) -> Iterator[Line]:
        """The scenario."""
        yield self._pay("The agent pays 12.50 USDC to a wallet on its allowlist", "12.50", "approved")
        yield self._retry("It asks again, unsure whether the first answer was lost")
        yield self._replay("A thief sends a captured request a second time")
        yield self._alter("The thief changes the amount in another one to 99 USDC")
        yield self._forge("The thief makes a request of his own for the agent's key")
        yield self._pay("The agent pays 250 USDC, above the 100 that need a human", "250", "held for a human")
        yield self._pay("It pays 501 USDC, above its limit per transaction", "501", "denied: per_transaction_limit")
        rule = "denied: destination_not_allowlisted"
        yield self._pay("An injected prompt makes it pay a stranger's wallet", "5", rule, wallet=STRANGER)

    def close(self) -> None:
        """Close the connections."""
        self._gateway.close()
        self._http.close()

    def _pay(self, tried: str, amount: str, promised: str, wallet: str | None = None) -> Line:
        return Line(tried, _said(self._submit(amount, secrets.token_urlsafe(24), wallet)), promised)

    def _retry(self, tried: str) -> Line:
        key = secrets.token_urlsafe(24)
        first, second = self._submit("7", key), self._submit("7", key)
        same = first.transaction_id == second.transaction_id
        return Line(tried, "the same transaction" if same else "a second transaction", "the same transaction")

    def _replay(self, tried: str) -> Line:
        captured = self._capture(self._agent["secret"])
        self._send(captured)
        return Line(tried, self._send(captured), "401 nonce_replayed")

    def _alter(self, tried: str) -> Line:
        captured = self._capture(self._agent["secret"])
        altered = Captured(captured.headers, captured.body.replace(b'"2"', b'"99"'))
        return Line(tried, self._send(altered), "400 body_digest_mismatch")

    def _forge(self, tried: str) -> Line:
        return Line(tried, self._send(self._capture("a secret that the thief made up")), "401 invalid_credentials")

    def _submit(self, amount: str, key: str, wallet: str | None = None) -> Decision:
        outcome = self._gateway.create_transaction(idempotency_key=key, **self._transfer(amount, wallet))
        if outcome.transaction_id not in self.transactions:
            self.transactions.append(outcome.transaction_id)
        return outcome

    def _transfer(self, amount: str, wallet: str | None = None) -> Any:
        destination = {"wallet": wallet or self._agent["wallet"]}
        return {
            "kind": "transfer",
            "amount": amount,
            "token": "USDC",
            "chain": self._agent["chain"],
            "destination": destination,
        }

    def _capture(self, secret: str) -> Captured:
        body = json.dumps(self._transfer("2")).encode()
        path = urlsplit(self._url).path + "/v1/transactions"
        timestamp, nonce = int(time.time()), secrets.token_urlsafe(18)
        headers = signing.signed_headers(self._agent["key_id"], secret, "POST", path, "", body, timestamp, nonce)
        key = {"Idempotency-Key": secrets.token_urlsafe(24), "Content-Type": "application/json"}
        return Captured({**headers, **key}, body)

    def _send(self, captured: Captured) -> str:
        url = f"{self._url}/v1/transactions"
        answer = self._http.post(url, content=captured.body, headers=dict(captured.headers))
        body = answer.json()
        if "id" in body:
            self.transactions.append(body["id"])
        return f"{answer.status_code} {body.get('code', body.get('status'))}"


def _said(outcome: Decision) -> str:
    if isinstance(outcome, Denied):
        return f"denied: {', '.join(violation.rule for violation in outcome.violations)}"
    return "held for a human" if isinstance(outcome, PendingApproval) else "approved"
