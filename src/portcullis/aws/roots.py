"""The derivation root: a KMS HMAC key. Secrets are derived from key ids, never stored (DESIGN 3)."""

from base64 import b64decode, b64encode

from portcullis.aws.wire import Service
from portcullis.protocol import keys, totp

GENERATION = "0"
_MAX_CACHED = 4096


class Roots:
    """Derives secrets; the results may be kept for the life of the process."""

    def __init__(self, kms: Service, mac_key_id: str, stage: str) -> None:
        self._kms = kms
        self._mac_key_id = mac_key_id
        self._stage = stage
        self._secrets: dict[str, str] = {}

    def secret_of(self, key_id: str) -> str:
        """The secret that belongs to ``key_id``: one GenerateMac the first time."""
        secret = self._secrets.get(key_id)
        if secret is None:
            secret = keys.secret_from_mac(self._stage, self._mac(keys.mac_message(key_id)))
            if len(self._secrets) >= _MAX_CACHED:
                del self._secrets[next(iter(self._secrets))]
            self._secrets[key_id] = secret
        return secret

    def totp_secret_of(self, approver: str) -> bytes:
        """The secret of an approver's one-time codes: one GenerateMac every time."""
        return totp.secret_from_mac(self._mac(totp.mac_message(approver)))

    def _mac(self, message: bytes) -> bytes:
        request = {
            "KeyId": self._mac_key_id,
            "MacAlgorithm": "HMAC_SHA_256",
            "Message": b64encode(message).decode(),
        }
        return b64decode(self._kms.json_call("TrentService.GenerateMac", "1.1", request)["Mac"])
