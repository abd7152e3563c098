"""A file of the agent's own that holds its key, and a key that replaces itself there before it is due.

    provider = SecretProvider(RotatingFile("/var/lib/agent/key.json", url))
    gateway = Gateway(url, provider=provider)

The file begins as ``{"key_id": ..., "secret": ...}`` (or ``private_key``, in PEM) with mode 0600, in a folder that the
agent may write. Each rotation is decided on in the file before it is asked for, so that whoever reads the file after a
crash asks for the same one again, and is shown the same key.
"""

import json
import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from portcullis.client import ed25519
from portcullis.client.errors import PortcullisError, UnexpectedAnswerError
from portcullis.client.exchange import RetryPolicy
from portcullis.client.gateway import Environment, Gateway
from portcullis.client.results import AgentKey
from portcullis.client.secret_sources import Credentials, credentials_of, object_of, read_owned

SHARE = 0.9
"""Of the time from a key's creation until it is due: after that it is replaced, well before anybody misses it."""
POLL = 43_200.0
"""Seconds until the gateway is asked again when the key is due: the operator may want it rotated earlier."""
RETRY = RetryPolicy(attempts=2, timeout=5.0, deadline=10.0)

log = logging.getLogger("portcullis.client")


class RotatingFile:
    """A source for SecretProvider. Processes of one machine may share the file: one of them rotates.

    A rotation that fails is logged, and the key that is there is used until its end; the next read tries again.
    ``poll``: every so many seconds the gateway is asked when the key is due.
    """

    def __init__(
        self,
        path: str | Path,
        url: str,
        *,
        transport: httpx.BaseTransport | None = None,
        retry: RetryPolicy = RETRY,
        poll: float = POLL,
        world: Environment | None = None,
    ) -> None:
        self._path, self._url = Path(path), url
        self._transport, self._retry, self._poll = transport, retry, poll
        self._world = world or Environment()

    def read(self) -> Credentials | None:
        """The key of the file, a new one if the old one was due. While another process is at it, the old one."""
        held = self._held()
        if self._is_due(held) or self._is_unsure(held):
            try:
                with self._locked(waiting=False):
                    held = self._renewed(self._held())
            except BlockingIOError:
                pass
            except (PortcullisError, OSError) as error:
                log.warning("the key in %s was not rotated: %s", self._path, error)
        return self._credentials(held)

    def rotate(self) -> Credentials:
        """Replace the key now, due or not. Raises what stands in the way."""
        with self._locked(waiting=True):
            return self._credentials(self._rotated(self._held()))

    def _renewed(self, held: dict[str, Any]) -> dict[str, Any]:
        if _pending(held) is None and self._is_unsure(held):
            held = self._dated(held)
        return self._rotated(held) if self._is_due(held) else held

    def _dated(self, held: dict[str, Any]) -> dict[str, Any]:
        """Ask when the key is due."""
        with self._gateway(held) as gateway:
            live = gateway.keys()
        calling = [key for key in live if key.calling]
        if not calling:
            raise UnexpectedAnswerError("The gateway does not list the key that asked. Upgrade the SDK.")
        return self._write({**held, **self._dates(calling[0])})

    def _rotated(self, held: dict[str, Any]) -> dict[str, Any]:
        pending = _pending(held)
        if pending is None:
            pending = _begun(held)
            held = self._write({**held, "pending": pending})
        private_key = pending.get("private_key")
        public_key = ed25519.public_key_of(private_key) if private_key else None
        with self._gateway(held) as gateway:
            made = gateway.rotate_key(idempotency_key=pending["idempotency_key"], public_key=public_key)
        if (made.secret is None) != (private_key is not None):
            raise UnexpectedAnswerError("The new key is of another kind than the old one. Upgrade the SDK.")
        secret = {"secret": made.secret.reveal()} if made.secret else {"private_key": private_key}
        fresh = {"key_id": made.key.key_id, **secret, **self._dates(made.key)}
        self._credentials(fresh)  # refuses what is malformed before it takes the place of what works
        return self._write(fresh)

    def _is_due(self, held: Mapping[str, Any]) -> bool:
        rotate_at = _number(held, "rotate_at")
        return _pending(held) is not None or rotate_at is None or self._world.clock() >= rotate_at

    def _is_unsure(self, held: Mapping[str, Any]) -> bool:
        """Whether the key was put there by somebody else, or is not due as far as was told too long ago."""
        rotate_at, asked_at, now = _number(held, "rotate_at"), _number(held, "asked_at"), self._world.clock()
        return rotate_at is None or (now < rotate_at and now >= (asked_at or 0) + self._poll)

    def _dates(self, key: AgentKey) -> dict[str, int]:
        return {"rotate_at": _when(key), "asked_at": int(self._world.clock())}

    def _held(self) -> dict[str, Any]:
        return object_of(read_owned(self._path))

    def _credentials(self, held: Mapping[str, Any]) -> Credentials:
        return credentials_of(held, f"the file {self._path}")

    def _gateway(self, held: Mapping[str, Any]) -> Gateway:
        provider = _Fixed(self._credentials(held))
        return Gateway(self._url, provider=provider, transport=self._transport, retry=self._retry, world=self._world)

    def _write(self, held: dict[str, Any]) -> dict[str, Any]:
        """Whoever reads the file meets it whole, before or after, also when the machine stops in between."""
        beside = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(held, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        finally:
            beside.unlink(missing_ok=True)
        _sync(self._path.parent)
        return held

    @contextmanager
    def _locked(self, *, waiting: bool) -> Iterator[None]:
        """Alone on this machine; BlockingIOError when somebody else is, and this one does not wait."""
        import fcntl  # not on Windows, where nothing else of the SDK should fail for it

        lock = self._path.with_name(f"{self._path.name}.lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waiting else fcntl.LOCK_NB))
            yield
        finally:
            os.close(descriptor)


class _Fixed:
    """The provider of a single key."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def current(self) -> Credentials:
        return self._credentials

    def invalidate(self, refused: Credentials) -> None:
        """There is no other."""


def _begun(held: Mapping[str, Any]) -> dict[str, str]:
    """What makes a rotation the same one when it is asked for again."""
    pair = {"private_key": ed25519.new_private_key()} if "private_key" in held else {}
    return {"idempotency_key": secrets.token_urlsafe(24), **pair}


def _pending(held: Mapping[str, Any]) -> dict[str, str] | None:
    found = held.get("pending")
    return found if isinstance(found, dict) and isinstance(found.get("idempotency_key"), str) else None


def _number(held: Mapping[str, Any], name: str) -> int | None:
    found = held.get(name)
    return found if isinstance(found, int) else None


def _when(key: AgentKey) -> int:
    return int((key.created_at + SHARE * (key.rotate_by - key.created_at)).timestamp())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
