"""Where an agent gets its key from, and how it notices that the key was rotated.

    provider = provider_from_env(os.environ)      environment -> Secrets Manager -> file mounted by the platform
    gateway = Gateway(url, provider=provider)     looks the key up for each attempt

A source that is configured and fails is an error; the next one is not asked, for it may hold a key that was replaced.
"""

import hmac
import json
import os
import stat
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from portcullis.client.errors import ConfigurationError, SecretUnavailableError
from portcullis.client.secrets_manager import SecretsManagerReader
from portcullis.client.settings import SECRET_FILE, SECRET_ID, key_pair, optional
from portcullis.client.signer import Secret, check_credentials

MAX_BYTES = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Credentials:
    """One key, well formed and of one stage. ConfigurationError otherwise; ``origin`` says where it was found."""

    key_id: str
    secret: Secret = field(repr=False)
    origin: str = "the arguments"

    def __post_init__(self) -> None:
        names = (f"key_id of {self.origin}", f"secret of {self.origin}")
        check_credentials(self.key_id, self.secret.reveal(), names)

    def same(self, other: "Credentials | None") -> bool:
        """Whether both are the same key with the same secret."""
        if other is None or self.key_id != other.key_id:
            return False
        return hmac.compare_digest(self.secret.reveal().encode(), other.secret.reveal().encode())


class Source(Protocol):
    """One place to look. None: not configured here, look further. SecretUnavailableError: configured, but it fails."""

    def read(self) -> Credentials | None:
        """The key as it is there now; blocking."""
        ...


class Provider(Protocol):
    """What a client needs: the key for the next attempt, and to tell that the gateway refused it."""

    def current(self) -> Credentials:
        """The key to sign with. SecretUnavailableError when there is none."""
        ...

    def invalidate(self, refused: Credentials) -> None:
        """The gateway answered ``invalid_credentials`` to this key: never give it again without a fresh look."""
        ...


class EnvironmentSource:
    """PORTCULLIS_KEY_ID and PORTCULLIS_SECRET of an environment such as ``os.environ``; both or neither."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def read(self) -> Credentials | None:
        """The pair of this moment."""
        pair = key_pair(self._environ)
        return Credentials(pair[0], pair[1], "the environment") if pair else None


class SecretsManagerSource:
    """A secret of AWS Secrets Manager, by name or ARN, whose text is ``{"key_id": ..., "secret": ...}``.

    Needs botocore, which is loaded at the first read, and ``secretsmanager:GetSecretValue`` on that secret. ``client``
    is for tests, or for a client with settings of your own.
    """

    def __init__(self, secret_id: str, client: Any = None) -> None:
        self._reader = SecretsManagerReader(secret_id, client)
        self._origin = f"the secret {secret_id}"

    def read(self) -> Credentials | None:
        """One call of Secrets Manager, for the version AWSCURRENT."""
        return _parsed(self._reader.text(), self._origin)


class FileSource:
    """A file that the platform mounts, with the same JSON. Refused when anybody but its owner may read it."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def read(self) -> Credentials | None:
        """The file as it is now; links are followed, as Kubernetes mounts them."""
        try:
            # Mode and content of one descriptor: the file cannot be exchanged in between. No wait on a named pipe.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise SecretUnavailableError(
                f"{self._path}: {error.strerror}. Mount the file, or correct the path."
            ) from None
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise SecretUnavailableError(f"{self._path}: not a regular file. Give the path of the file itself.")
            if mode & 0o077:
                raise SecretUnavailableError(_TOO_OPEN.format(path=self._path, mode=stat.S_IMODE(mode)))
            return _parsed(os.read(descriptor, MAX_BYTES + 1), f"the file {self._path}")
        finally:
            os.close(descriptor)


class Chain:
    """The first source that is configured."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)

    def read(self) -> Credentials | None:
        """What the first configured source gives, or its error."""
        for source in self._sources:
            found = source.read()
            if found is not None:
                return found
        return None


class SecretProvider:
    """A cache before a source. Safe to share between threads; its representation shows nothing of the key.

    Up to ``ttl`` seconds a key is served from memory. After that one caller reads it anew; while it does, the others
    are served the old key, until that is ``ttl + stale`` seconds old, and then wait. A read that fails is an error for
    the caller that made it, and the next caller reads again. A key that the gateway refused is dropped at once and
    served to nobody before a read that began after the refusal. Should the source still hold it, it is asked again
    at most every ``retry`` seconds.
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
                self._changed.wait()
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
        try:
            while True:
                refusals, began = self._refusals, self._clock()
                found = self._source.read()
                if found is None:
                    raise SecretUnavailableError(_NOWHERE)
                with self._changed:
                    if self._refusals == refusals or not found.same(self._refused):
                        self._held, self._read_at = found, began
                        return found
        finally:
            with self._changed:
                self._reading = False
                self._changed.notify_all()


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


def _parsed(text: str | bytes, origin: str) -> Credentials:
    try:
        value = json.loads(text) if len(text) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        value = None
    pair = (value.get("key_id"), value.get("secret")) if isinstance(value, dict) else (None, None)
    if not (isinstance(pair[0], str) and isinstance(pair[1], str)):
        raise SecretUnavailableError(f'{origin}: expected the JSON object {{"key_id": "pk_...", "secret": "sk_..."}}.')
    return Credentials(pair[0], Secret(pair[1]), origin)


_TOO_OPEN = (
    "{path}: others than its owner may read it (mode {mode:04o}). Run `chmod 600` on it; "
    "in Kubernetes set defaultMode: 0400 on the volume and run as the file's owner."
)
_NOWHERE = (
    "No key is configured. Set PORTCULLIS_KEY_ID and PORTCULLIS_SECRET, or PORTCULLIS_SECRET_ID (Secrets Manager), or "
    "PORTCULLIS_SECRET_FILE (a mounted file)."
)
