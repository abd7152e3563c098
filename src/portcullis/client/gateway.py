"""The client of the agent API, blocking and on an event loop."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack

import httpx

from portcullis.client import calls, exchange
from portcullis.client.errors import PortcullisError, UnreachableError
from portcullis.client.exchange import Fault, Outcome, RetryPolicy
from portcullis.client.httpx_auth import PortcullisAuth
from portcullis.client.problems import retry_after
from portcullis.client.results import Decision, Identity
from portcullis.client.settings import GatewaySettings, check_settings, from_environment, is_loopback
from portcullis.client.signer import Clock, Nonce, random_nonce
from portcullis.client.transport import send_once, send_once_async

Result = TypeVar("Result")
Client = TypeVar("Client", httpx.Client, httpx.AsyncClient)
_uniform = secrets.SystemRandom().random


@dataclass(frozen=True, slots=True)
class Environment:
    """The world that a client depends on, so that tests need neither clock nor chance: ``clock`` in unix seconds,
    ``monotonic`` in seconds, ``jitter`` uniform in [0, 1)."""

    clock: Clock = time.time
    monotonic: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = _uniform
    nonce: Nonce = random_nonce
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = asyncio.sleep


class _Base(Generic[Client]):
    """What both clients share: settings, retry policy, and how an outcome is read."""

    def __init__(self, settings: GatewaySettings, client: Client, retry: RetryPolicy, world: Environment) -> None:
        self._settings = settings
        self._client: Client = client
        self._retry = retry
        self._world = world

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self._settings.url!r}, key_id={self._settings.key_id!r})"

    def _steps(self, operation: calls.Operation[Any]) -> exchange.Steps:
        return exchange.attempts(
            operation.call.repeatable,
            self._retry,
            now=self._world.monotonic,
            jitter=self._world.jitter,
            asked=lambda answer: retry_after(answer, self._world.clock()),
        )


class Gateway(_Base[httpx.Client]):
    """Blocking client. Close it, or use it in a ``with`` block. Safe to share between threads.

    Raises ConfigurationError at once for a wrong address or key; its calls raise the subclasses of PortcullisError.
    """

    def __init__(
        self,
        url: str,
        key_id: str,
        secret: str,
        *,
        retry: RetryPolicy | None = None,
        transport: httpx.BaseTransport | None = None,
        world: Environment | None = None,
    ) -> None:
        settings, world = check_settings(url, key_id, secret), world or Environment()
        client = httpx.Client(transport=transport, **_options(settings, world))
        super().__init__(settings, client, retry or RetryPolicy(), world)

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, retry: RetryPolicy | None = None) -> Self:
        """From PORTCULLIS_URL, PORTCULLIS_KEY_ID and PORTCULLIS_SECRET of ``environ``, such as ``os.environ``."""
        settings = from_environment(environ)
        return cls(settings.url, settings.key_id, settings.secret.reveal(), retry=retry)

    def whoami(self) -> Identity:
        """Who the gateway takes this key for."""
        return self._run(calls.whoami())

    def create_transaction(
        self, *, idempotency_key: str | None = None, **fields: Unpack[calls.TransactionFields]
    ) -> Decision:
        """Ask for a decision. Without an idempotency key one is made and kept over the retries; an error carries it."""
        return self._run(calls.create_transaction(idempotency_key, fields))

    def get_transaction(self, transaction_id: str) -> Decision:
        """A transaction of this agent, as decided."""
        return self._run(calls.get_transaction(transaction_id))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, operation: calls.Operation[Result]) -> Result:
        send = partial(send_once, self._client, operation.call)
        return _read(operation, exchange.run(self._steps(operation), send, self._world.sleep))


class AsyncGateway(_Base[httpx.AsyncClient]):
    """The same on an event loop; ``async with``, or ``await aclose()``."""

    def __init__(
        self,
        url: str,
        key_id: str,
        secret: str,
        *,
        retry: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        world: Environment | None = None,
    ) -> None:
        settings, world = check_settings(url, key_id, secret), world or Environment()
        client = httpx.AsyncClient(transport=transport, **_options(settings, world))
        super().__init__(settings, client, retry or RetryPolicy(), world)

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, retry: RetryPolicy | None = None) -> Self:
        """As Gateway.from_env."""
        settings = from_environment(environ)
        return cls(settings.url, settings.key_id, settings.secret.reveal(), retry=retry)

    async def whoami(self) -> Identity:
        """As Gateway.whoami."""
        return await self._run(calls.whoami())

    async def create_transaction(
        self, *, idempotency_key: str | None = None, **fields: Unpack[calls.TransactionFields]
    ) -> Decision:
        """As Gateway.create_transaction."""
        return await self._run(calls.create_transaction(idempotency_key, fields))

    async def get_transaction(self, transaction_id: str) -> Decision:
        """As Gateway.get_transaction."""
        return await self._run(calls.get_transaction(transaction_id))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _run(self, operation: calls.Operation[Result]) -> Result:
        send = partial(send_once_async, self._client, operation.call)
        return _read(operation, await exchange.run_async(self._steps(operation), send, self._world.sleep_async))


def _options(settings: GatewaySettings, world: Environment) -> dict[str, Any]:
    auth = PortcullisAuth(settings.key_id, settings.secret.reveal(), clock=world.clock, nonce=world.nonce)
    # A proxy configured for the outside world cannot reach this machine's own loopback.
    return {
        "auth": auth,
        "base_url": settings.url,
        "follow_redirects": False,
        "trust_env": not is_loopback(settings.url),
    }


def _read(operation: calls.Operation[Result], outcome: Outcome) -> Result:
    try:
        if isinstance(outcome, Fault):
            raise UnreachableError(f"No answer from the gateway ({outcome.detail}). Check the URL and the network.")
        return operation.parse(outcome)
    except PortcullisError as error:
        error.idempotency_key = operation.idempotency_key
        raise
