"""The client of the agent API, blocking and on an event loop."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack

import httpx

from portcullis.client import calls, exchange
from portcullis.client.errors import ConfigurationError, PortcullisError, UnreachableError
from portcullis.client.exchange import Fault, Outcome, RetryPolicy
from portcullis.client.httpx_auth import PortcullisAuth
from portcullis.client.own_keys import AsyncOwnKeys, OwnKeys
from portcullis.client.problems import retry_after
from portcullis.client.provider_auth import ProviderAuth
from portcullis.client.results import Decision, Identity
from portcullis.client.secrets import Provider
from portcullis.client.settings import check_settings, check_url, from_environment, is_loopback
from portcullis.client.settling import AsyncSettling, Settling
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

    def __init__(self, access: "_Access", client: Client, retry: RetryPolicy, world: Environment) -> None:
        self._access = access
        self._client: Client = client
        self._retry = retry
        self._world = world

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self._access.url!r}, {self._access.key})"

    def _steps(self, operation: calls.Operation[Any]) -> exchange.Steps:
        return exchange.attempts(
            operation.call.repeatable,
            self._retry,
            now=self._world.monotonic,
            jitter=self._world.jitter,
            asked=lambda answer: retry_after(answer, self._world.clock()),
        )


class Gateway(_Base[httpx.Client], Settling, OwnKeys):
    """Blocking client. Close it, or use it in a ``with`` block. Safe to share between threads.

    Give ``key_id`` and ``secret``, or a ``provider`` (portcullis.client.secrets) that is asked for each attempt.
    Raises ConfigurationError at once for a wrong address or key; its calls raise the subclasses of PortcullisError.
    """

    def __init__(
        self,
        url: str,
        key_id: str | None = None,
        secret: str | None = None,
        *,
        provider: Provider | None = None,
        retry: RetryPolicy | None = None,
        transport: httpx.BaseTransport | None = None,
        world: Environment | None = None,
    ) -> None:
        world = world or Environment()
        access = _access(url, key_id, secret, provider, world)
        client = httpx.Client(transport=transport, **_options(access))
        super().__init__(access, client, retry or RetryPolicy(), world)

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
        with _naming_its_key(operation):
            return _read(operation, exchange.run(self._steps(operation), send, self._world.sleep))


class AsyncGateway(_Base[httpx.AsyncClient], AsyncSettling, AsyncOwnKeys):
    """The same on an event loop; ``async with``, or ``await aclose()``."""

    def __init__(
        self,
        url: str,
        key_id: str | None = None,
        secret: str | None = None,
        *,
        provider: Provider | None = None,
        retry: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        world: Environment | None = None,
    ) -> None:
        world = world or Environment()
        access = _access(url, key_id, secret, provider, world)
        client = httpx.AsyncClient(transport=transport, **_options(access))
        super().__init__(access, client, retry or RetryPolicy(), world)

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
        with _naming_its_key(operation):
            return _read(operation, await exchange.run_async(self._steps(operation), send, self._world.sleep_async))


@dataclass(frozen=True, slots=True)
class _Access:
    """A checked address, what signs, and how the key is named in a representation."""

    url: str
    auth: httpx.Auth
    key: str


def _access(url: str, key_id: str | None, secret: str | None, provider: Provider | None, world: Environment) -> _Access:
    if provider is None:
        settings = check_settings(url, key_id or "", secret or "")
        auth = PortcullisAuth(settings.key_id, settings.secret.reveal(), clock=world.clock, nonce=world.nonce)
        return _Access(settings.url, auth, f"key_id={settings.key_id!r}")
    if key_id is not None or secret is not None:
        raise ConfigurationError("provider: give it alone, or key_id and secret without it.")
    looking_up = ProviderAuth(provider, clock=world.clock, nonce=world.nonce)
    return _Access(check_url(url, "url"), looking_up, f"provider={provider!r}")


def _options(access: _Access) -> dict[str, Any]:
    # A proxy configured for the outside world cannot reach this machine's own loopback.
    return {
        "auth": access.auth,
        "base_url": access.url,
        "follow_redirects": False,
        "trust_env": not is_loopback(access.url),
    }


def _read(operation: calls.Operation[Result], outcome: Outcome) -> Result:
    if isinstance(outcome, Fault):
        raise UnreachableError(f"No answer from the gateway ({outcome.detail}). Check the URL and the network.")
    return operation.parse(outcome)


@contextmanager
def _naming_its_key(operation: calls.Operation[Any]) -> Iterator[None]:
    """Whatever goes wrong, the error carries the idempotency key: an earlier attempt may have been recorded."""
    try:
        yield
    except PortcullisError as error:
        error.idempotency_key = operation.idempotency_key
        raise
