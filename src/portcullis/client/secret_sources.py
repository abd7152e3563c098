"""Where a key may be: the environment, Secrets Manager, a mounted file; and a chain of such places."""

import hmac
import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from portcullis.client.ed25519 import PEM_START, load_private_key
from portcullis.client.errors import SecretUnavailableError
from portcullis.client.secrets_manager import SecretsManagerReader
from portcullis.client.settings import key_pair
from portcullis.client.signer import Secret, check_credentials, check_key_id

MAX_BYTES = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Credentials:
    """One key, well formed and of one stage. ConfigurationError otherwise; ``origin`` says where it was found.

    ``secret`` is the key's own, or, of a key that was issued with a public key, the Ed25519 private key in PEM.
    """

    key_id: str
    secret: Secret = field(repr=False)
    origin: str = "the arguments"

    def __post_init__(self) -> None:
        names = (f"key_id of {self.origin}", f"secret of {self.origin}")
        if self.has_private_key:
            check_key_id(self.key_id, names[0])
            load_private_key(self.secret.reveal().encode(), f"private_key of {self.origin}")
        else:
            check_credentials(self.key_id, self.secret.reveal(), names)

    @property
    def has_private_key(self) -> bool:
        """Whether requests are signed with Ed25519, in the second scheme."""
        return self.secret.reveal().startswith(PEM_START)

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
    In place of ``secret`` it may hold ``private_key``, in PEM.

    Needs botocore, which is loaded at the first read, and ``secretsmanager:GetSecretValue`` on that secret. ``client``
    is for tests, or for a client with settings of your own.
    """

    def __init__(self, secret_id: str, client: Any = None) -> None:
        self._reader = SecretsManagerReader(secret_id, client)
        self._origin = f"the secret {secret_id}"

    def read(self) -> Credentials | None:
        """One call of Secrets Manager, for the version AWSCURRENT."""
        return credentials_of(object_of(self._reader.text()), self._origin)


class FileSource:
    """A file that the platform mounts, with the same JSON. Refused when anybody but its owner may read it."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def read(self) -> Credentials | None:
        """The file as it is now; links are followed, as Kubernetes mounts them."""
        return credentials_of(object_of(read_owned(self._path)), f"the file {self._path}")


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


def read_owned(path: Path) -> bytes:
    """A file that only its owner may read, cut after MAX_BYTES and one more; SecretUnavailableError otherwise."""
    try:
        # Mode and content of one descriptor: the file cannot be exchanged in between. No wait on a named pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise SecretUnavailableError(f"{path}: {error.strerror}. Mount the file, or correct the path.") from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise SecretUnavailableError(f"{path}: not a regular file. Give the path of the file itself.")
        if mode & 0o077:
            raise SecretUnavailableError(_TOO_OPEN.format(path=path, mode=stat.S_IMODE(mode)))
        return os.read(descriptor, MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def object_of(text: str | bytes) -> dict[str, Any]:
    """The JSON object in ``text``; empty when it is none, or a large one."""
    try:
        value = json.loads(text) if len(text) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}


def credentials_of(value: Mapping[str, Any], origin: str) -> Credentials:
    """The key in a stored object; SecretUnavailableError when there is none."""
    pair = (value.get("key_id"), value.get("secret", value.get("private_key")))
    if not (isinstance(pair[0], str) and isinstance(pair[1], str)):
        raise SecretUnavailableError(f'{origin}: expected the JSON object {{"key_id": "pk_...", "secret": "sk_..."}}.')
    return Credentials(pair[0], Secret(pair[1]), origin)


_TOO_OPEN = (
    "{path}: others than its owner may read it (mode {mode:04o}). Run `chmod 600` on it; "
    "in Kubernetes set defaultMode: 0400 on the volume and run as the file's owner."
)
