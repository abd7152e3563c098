"""Policy bodies: canonical JSON in S3 under their SHA-256, so a body never changes and may be kept for ever."""

from portcullis.aws.wire import Service, Unavailable
from portcullis.domain import policy
from portcullis.domain.policy import Policy

_MAX_CACHED = 64


class Policies:
    """Reads and writes bodies; compiled ones are kept, bounded."""

    def __init__(self, s3: Service, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._compiled: dict[bytes, Policy] = {}

    def get(self, sha256: bytes) -> Policy:
        """The compiled policy of this hash."""
        compiled = self._compiled.get(sha256)
        if compiled is None:
            compiled = policy.compile_text(self.text(sha256))
            if len(self._compiled) >= _MAX_CACHED:
                del self._compiled[next(iter(self._compiled))]
            self._compiled[sha256] = compiled
        return compiled

    def text(self, sha256: bytes) -> str:
        """The body of this hash; Unavailable when what is stored is not it."""
        body = self._s3.request("GET", self._path(sha256), {}).decode()
        if policy.text_sha256(body) != sha256:
            raise Unavailable("the stored policy body does not match its hash")
        return body

    def put(self, text: str) -> bytes:
        """Store a body and return its hash. Storing the same body again changes nothing."""
        sha256 = policy.text_sha256(text)
        self._s3.request("PUT", self._path(sha256), {"content-type": "application/json"}, text.encode())
        return sha256

    def _path(self, sha256: bytes) -> str:
        return f"/{self._bucket}/policies/{sha256.hex()}.json"
