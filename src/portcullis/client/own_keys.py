"""The agent's own keys: seeing them, and replacing the one that signs, where the operator allows it."""

import json
from abc import ABC, abstractmethod
from typing import TypeVar

from portcullis.client import parsing
from portcullis.client.calls import Operation, idempotent
from portcullis.client.exchange import Call
from portcullis.client.results import AgentKey, RotatedKey

Result = TypeVar("Result")


def keys() -> Operation[tuple[AgentKey, ...]]:
    """``GET /v1/keys``."""
    return Operation(Call("GET", "/v1/keys", repeatable=True), parsing.agent_keys)


def rotate(idempotency_key: str | None, public_key: str | None) -> Operation[RotatedKey]:
    """``POST /v1/keys/rotate``."""
    body = {} if public_key is None else {"public_key": public_key}
    return idempotent("/v1/keys/rotate", json.dumps(body).encode(), idempotency_key, parsing.rotated)


class OwnKeys(ABC):
    """The blocking methods."""

    @abstractmethod
    def _run(self, operation: Operation[Result]) -> Result: ...

    def keys(self) -> tuple[AgentKey, ...]:
        """The live keys of this agent."""
        return self._run(keys())

    def rotate_key(self, *, idempotency_key: str | None = None, public_key: str | None = None) -> RotatedKey:
        """Replace the key that signs. Keep the idempotency key before you ask: for ten minutes the same one shows the
        same secret again. ``public_key`` is for a key that has one. RotatingFile does all that."""
        return self._run(rotate(idempotency_key, public_key))


class AsyncOwnKeys(ABC):
    """The same on an event loop."""

    @abstractmethod
    async def _run(self, operation: Operation[Result]) -> Result: ...

    async def keys(self) -> tuple[AgentKey, ...]:
        """As Gateway.keys."""
        return await self._run(keys())

    async def rotate_key(self, *, idempotency_key: str | None = None, public_key: str | None = None) -> RotatedKey:
        """As Gateway.rotate_key."""
        return await self._run(rotate(idempotency_key, public_key))
