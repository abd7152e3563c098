"""What follows a decision: reading, listing, claiming, reporting, cancelling, confirming. Each may be repeated.

Arguments in, request and parser out; then the methods of Gateway and of AsyncGateway.
"""

import json
import re
from abc import ABC, abstractmethod
from typing import TypeVar

from portcullis.client import parsing
from portcullis.client.calls import Operation
from portcullis.client.errors import InvalidRequestError
from portcullis.client.exchange import Call
from portcullis.client.results import Decision, Page
from portcullis.protocol.signing import canonical_query

Result = TypeVar("Result")
_TRANSACTION_ID = re.compile(r"tx_[0-9A-Za-z]{22}", re.ASCII)
_CLAIM_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)


def get(transaction_id: str, agent: str | None) -> Operation[Decision]:
    """``GET /v1/transactions/{id}``."""
    path = f"/v1/transactions/{_checked(transaction_id)}{_query(agent=agent)}"
    return Operation(Call("GET", path, repeatable=True), parsing.recorded)


def page(agent: str | None, status: str | None, cursor: str | None, limit: int | None) -> Operation[Page]:
    """``GET /v1/transactions``."""
    query = _query(agent=agent, status=status, cursor=cursor, limit=None if limit is None else str(limit))
    return Operation(Call("GET", f"/v1/transactions{query}", repeatable=True), parsing.page)


def claim(transaction_id: str, agent: str, claim_token: str) -> Operation[Decision]:
    """``POST /v1/transactions/{id}/claim``."""
    return _step(transaction_id, "claim", agent_id=agent, claim_token=_token(claim_token))


def settle(transaction_id: str, agent: str, claim_token: str, reference: str) -> Operation[Decision]:
    """``POST /v1/transactions/{id}/settle``."""
    return _step(transaction_id, "settle", agent_id=agent, claim_token=_token(claim_token), reference=reference)


def fail(transaction_id: str, agent: str, claim_token: str, reason: str) -> Operation[Decision]:
    """``POST /v1/transactions/{id}/fail``."""
    return _step(transaction_id, "fail", agent_id=agent, claim_token=_token(claim_token), reason=reason)


def cancel(transaction_id: str) -> Operation[Decision]:
    """``POST /v1/transactions/{id}/cancel``."""
    return _step(transaction_id, "cancel")


def confirm(transaction_id: str, agent: str, content_sha256: str) -> Operation[Decision]:
    """``POST /v1/transactions/{id}/confirm``."""
    return _step(transaction_id, "confirm", agent_id=agent, content_sha256=content_sha256)


def decide_risk(
    transaction_id: str, agent: str, content_sha256: str, decision: str, reason: str | None
) -> Operation[Decision]:
    """``POST /v1/transactions/{id}/risk-decision``."""
    if decision not in ("approve", "deny"):
        raise InvalidRequestError('decision: expected "approve" or "deny".')
    body = {"agent_id": agent, "content_sha256": content_sha256, "decision": decision}
    return _step(transaction_id, "risk-decision", **body, **({} if reason is None else {"reason": reason}))


def _step(transaction_id: str, action: str, **body: str) -> Operation[Decision]:
    path = f"/v1/transactions/{_checked(transaction_id)}/{action}"
    content, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
    return Operation(Call("POST", path, repeatable=True, body=content, headers=headers), parsing.recorded)


def _query(**parameters: str | None) -> str:
    pairs = [(name, value) for name, value in parameters.items() if value is not None]
    return f"?{canonical_query(pairs)}" if pairs else ""


def _checked(transaction_id: str) -> str:
    if not _TRANSACTION_ID.fullmatch(transaction_id):
        raise InvalidRequestError('transaction_id: expected "tx_" and 22 letters and digits.')
    return transaction_id


def _token(claim_token: str) -> str:
    if not _CLAIM_TOKEN.fullmatch(claim_token):
        raise InvalidRequestError("claim_token: expected 16 to 128 characters of A-Z a-z 0-9 _ -.")
    return claim_token


class Settling(ABC):
    """The blocking methods. ``agent`` is the one whose transaction it is; left out, the caller's own."""

    @abstractmethod
    def _run(self, operation: Operation[Result]) -> Result: ...

    def get_transaction(self, transaction_id: str, *, agent: str | None = None) -> Decision:
        """A transaction as it is now."""
        return self._run(get(transaction_id, agent))

    def list_transactions(
        self,
        *,
        agent: str | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Page:
        """One page, newest first; pass its ``cursor`` on for the next."""
        return self._run(page(agent, status, cursor, limit))

    def claim(self, transaction_id: str, *, agent: str, claim_token: str) -> Decision:
        """Take it, to pay it exactly once. Keep the token before you ask: the same one again gives the same answer."""
        return self._run(claim(transaction_id, agent, claim_token))

    def settle(self, transaction_id: str, *, agent: str, claim_token: str, reference: str) -> Decision:
        """It was paid; ``reference`` names the payment."""
        return self._run(settle(transaction_id, agent, claim_token, reference))

    def fail(self, transaction_id: str, *, agent: str, claim_token: str, reason: str) -> Decision:
        """It was not paid and will not be. Never say so when you do not know."""
        return self._run(fail(transaction_id, agent, claim_token, reason))

    def cancel(self, transaction_id: str) -> Decision:
        """Take back one of the caller's own that nobody has claimed."""
        return self._run(cancel(transaction_id))

    def confirm(self, transaction_id: str, *, agent: str, content_sha256: str) -> Decision:
        """Agree to the release of an escrow with exactly this content."""
        return self._run(confirm(transaction_id, agent, content_sha256))

    def decide_risk(
        self, transaction_id: str, *, agent: str, content_sha256: str, decision: str, reason: str | None = None
    ) -> Decision:
        """As a risk agent, ``approve`` or ``deny`` a held transaction of another agent with exactly this content."""
        return self._run(decide_risk(transaction_id, agent, content_sha256, decision, reason))


class AsyncSettling(ABC):
    """The same on an event loop."""

    @abstractmethod
    async def _run(self, operation: Operation[Result]) -> Result: ...

    async def get_transaction(self, transaction_id: str, *, agent: str | None = None) -> Decision:
        """As Gateway.get_transaction."""
        return await self._run(get(transaction_id, agent))

    async def list_transactions(
        self,
        *,
        agent: str | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Page:
        """As Gateway.list_transactions."""
        return await self._run(page(agent, status, cursor, limit))

    async def claim(self, transaction_id: str, *, agent: str, claim_token: str) -> Decision:
        """As Gateway.claim."""
        return await self._run(claim(transaction_id, agent, claim_token))

    async def settle(self, transaction_id: str, *, agent: str, claim_token: str, reference: str) -> Decision:
        """As Gateway.settle."""
        return await self._run(settle(transaction_id, agent, claim_token, reference))

    async def fail(self, transaction_id: str, *, agent: str, claim_token: str, reason: str) -> Decision:
        """As Gateway.fail."""
        return await self._run(fail(transaction_id, agent, claim_token, reason))

    async def cancel(self, transaction_id: str) -> Decision:
        """As Gateway.cancel."""
        return await self._run(cancel(transaction_id))

    async def confirm(self, transaction_id: str, *, agent: str, content_sha256: str) -> Decision:
        """As Gateway.confirm."""
        return await self._run(confirm(transaction_id, agent, content_sha256))

    async def decide_risk(
        self, transaction_id: str, *, agent: str, content_sha256: str, decision: str, reason: str | None = None
    ) -> Decision:
        """As Gateway.decide_risk."""
        return await self._run(decide_risk(transaction_id, agent, content_sha256, decision, reason))
