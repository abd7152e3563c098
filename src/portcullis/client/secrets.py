"""Where an agent gets its key from, and how it notices that the key was rotated.

    provider = provider_from_env(os.environ)      environment -> Secrets Manager -> file mounted by the platform
    gateway = Gateway(url, provider=provider)     looks the key up for each attempt

A source that is configured and fails is an error; the next one is not asked, for it may hold a key that was replaced.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from portcullis.client.errors import ConfigurationError, PortcullisError, SecretUnavailableError
from portcullis.client.secret_sources import (
    Chain,
    Credentials,
    EnvironmentSource,
    FileSource,
    SecretsManagerSource,
    Source,
)
from portcullis.client.settings import SECRET_FILE, SECRET_ID, key_pair, optional

__all__ = [
    "Chain",
    "Credentials",
    "EnvironmentSource",
    "FileSource",
    "Provider",
    "SecretProvider",
    "SecretsManagerSource",
    "Source",
    "provider_from_env",
]


class Provider(Protocol):
    """What a client needs: the key for the next attempt, and to tell that the gateway refused it."""

    def current(self) -> Credentials:
        """The key to sign with. SecretUnavailableError when there is none."""
        ...

    def invalidate(self, refused: Credentials) -> None:
        """The gateway answered ``invalid_credentials`` to this key: never give it again without a fresh look."""
        ...


class SecretProvider:
    """A cache before a source. Safe to share between threads; its representation shows nothing of the key.

    Up to ``ttl`` seconds a key is served from memory. After that one caller reads it anew; while it does, the others
    are served the old key, until that is ``ttl + stale`` seconds old, and then wait. A read that fails is an error for
    the caller that made it and for those that waited for it; the next caller reads again. A key that the gateway
    refused is dropped at once and served to nobody before a read that began after the refusal. Should the source still
    hold it, it is asked again at most every ``retry`` seconds.
    """

    def __init__(
        self,
        source: Source,
        *,
        ttl: float = 300.0,
        stale: float = 30.0,
        retry: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if min(ttl, retry) <= 0 or stale < 0:
            raise ValueError("ttl and retry above 0, stale from 0")
        self._source, self._clock = source, clock
        self._ttl, self._stale, self._retry = ttl, stale, retry
        self._changed = threading.Condition()
        self._held: Credentials | None = None
        self._read_at = 0.0
        self._reading = False
        self._reads = 0
        self._failure = ""
        self._refusals = 0
        self._refused: Credentials | None = None

    def __repr__(self) -> str:
        return f"SecretProvider({type(self._source).__name__})"

    def current(self) -> Credentials:
        """The key to sign with; reads the source when the one held is too old, blocking."""
        with self._changed:
            while True:
                age = self._clock() - self._read_at
                if self._held is not None and age < self._ttl + (self._stale if self._reading else 0):
                    return self._held
                if not self._reading:
                    self._reading = True
                    break
                seen = self._reads
                while self._reads == seen:
                    self._changed.wait()
                if self._failure:
                    raise SecretUnavailableError(self._failure)
        return self._refresh()

    def invalidate(self, refused: Credentials) -> None:
        """Drop ``refused``; without effect when another key is held already, or it was just read again."""
        with self._changed:
            again = refused.same(self._refused) and refused.same(self._held)
            if again and self._clock() - self._read_at < self._retry:
                return
            self._refused = refused
            self._refusals += 1
            if refused.same(self._held):
                self._held = None

    def _refresh(self) -> Credentials:
        failure = "The key could not be read; another thread met the cause."
        try:
            found, failure = self._read(), ""
            return found
        except PortcullisError as error:
            failure = error.detail
            raise
        finally:
            with self._changed:
                self._reading, self._failure = False, failure
                self._reads += 1
                self._changed.notify_all()

    def _read(self) -> Credentials:
        while True:
            refusals, began = self._refusals, self._clock()
            found = self._source.read()
            if found is None:
                raise SecretUnavailableError(_NOWHERE)
            with self._changed:
                if self._refusals == refusals or not found.same(self._refused):
                    self._held, self._read_at = found, began
                    return found


def provider_from_env(
    environ: Mapping[str, str], *, ttl: float = 300.0, clock: Callable[[], float] = time.monotonic
) -> SecretProvider:
    """PORTCULLIS_KEY_ID with PORTCULLIS_SECRET, else the secret named by PORTCULLIS_SECRET_ID, else the file named by
    PORTCULLIS_SECRET_FILE, of ``environ``. ConfigurationError when none is set. ``ttl`` in seconds."""
    secret_id, path = optional(environ, SECRET_ID), optional(environ, SECRET_FILE)
    sources: list[Source] = [EnvironmentSource(environ)]
    sources += [SecretsManagerSource(secret_id)] if secret_id else []
    sources += [FileSource(path)] if path else []
    if len(sources) == 1 and key_pair(environ) is None:
        raise ConfigurationError(_NOWHERE)
    return SecretProvider(Chain(sources), ttl=ttl, clock=clock)


_NOWHERE = (
    "No key is configured. Set PORTCULLIS_KEY_ID and PORTCULLIS_SECRET, or PORTCULLIS_SECRET_ID (Secrets Manager), or "
    "PORTCULLIS_SECRET_FILE (a mounted file)."
)
