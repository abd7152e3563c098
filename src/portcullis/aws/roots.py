"""The derivation roots: KMS HMAC keys, one a generation. Secrets are derived from ids, never stored (DESIGN 3)."""

from base64 import b64decode, b64encode
from collections.abc import Mapping

from portcullis.aws.wire import Service
from portcullis.domain import approvers
from portcullis.protocol import base62, keys, totp

FIRST_GENERATION = "0"
_MAX_CACHED = 4096


class Roots:
    """Derives secrets; the results may be kept for the life of the process.

    ``mac_keys`` are the ids of the KMS keys by generation. An id names its generation; one that is not there any more
    has no secret.
    """

    def __init__(self, kms: Service, mac_keys: Mapping[str, str], stage: str) -> None:
        self._kms = kms
        self._mac_keys = mac_keys
        self._stage = stage
        self._secrets: dict[str, str] = {}

    @property
    def generations(self) -> list[str]:
        """The generations that are there, oldest first."""
        return sorted(self._mac_keys, key=base62.ALPHABET.index)

    def secret_of(self, key_id: str) -> str | None:
        """The secret that belongs to ``key_id``: one GenerateMac the first time. None: its generation is gone."""
        generation = keys.parse_key_id(key_id).generation
        if generation not in self._mac_keys:
            return None
        secret = self._secrets.get(key_id)
        if secret is None:
            secret = keys.secret_from_mac(self._stage, self._mac(generation, keys.mac_message(key_id)))
            if len(self._secrets) >= _MAX_CACHED:
                del self._secrets[next(iter(self._secrets))]
            self._secrets[key_id] = secret
        return secret

    def totp_secret_of(self, approver: str) -> bytes | None:
        """The secret of an approver's one-time codes: one GenerateMac every time. None: its generation is gone."""
        generation = approvers.generation_of(approver)
        if generation not in self._mac_keys:
            return None
        return totp.secret_from_mac(self._mac(generation, totp.mac_message(approver)))

    def _mac(self, generation: str, message: bytes) -> bytes:
        request = {
            "KeyId": self._mac_keys[generation],
            "MacAlgorithm": "HMAC_SHA_256",
            "Message": b64encode(message).decode(),
        }
        return b64decode(self._kms.json_call("TrentService.GenerateMac", "1.1", request)["Mac"])
