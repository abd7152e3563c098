"""Reads the bucket of the audit log with the caller's own credentials; nothing of what it reads is believed here."""

from collections.abc import Iterator
from typing import IO, Any

from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from portcullis.aws.read_ahead import THREADS
from portcullis.protocol.bucket_verification import Stored, Version

MAX_OBJECT_BYTES = 32 * 1024 * 1024
"""More than any file of a log has; of a larger one the rest is not read, and it is refused for what is missing."""
CHUNK_BYTES = 1024 * 1024
_ABSENT = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
_UNLOCKED = frozenset({"NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"})


class BucketUnreadable(Exception):
    """S3 could not be reached or refuses. The message says what was asked for."""


class LogBucket:
    """One bucket. Safe for use by several threads."""

    def __init__(self, bucket: str, credentials: Credentials, region: str, endpoint_url: str | None = None) -> None:
        frozen = credentials.get_frozen_credentials()
        self._bucket = bucket
        self._s3: Any = Session().create_client(
            "s3",
            region_name=region,
            endpoint_url=endpoint_url,
            aws_access_key_id=frozen.access_key,
            aws_secret_access_key=frozen.secret_key,
            aws_session_token=frozen.token,
            config=Config(
                max_pool_connections=THREADS,
                retries={"max_attempts": 4, "mode": "standard"},
                s3={"addressing_style": "path"} if endpoint_url else {},
                proxies={} if endpoint_url else None,
            ),
        )

    def read(self, path: str) -> bytes | None:
        """What lies at a path now, or None."""
        answer = self._call("get_object", Key=path)
        return None if answer is None else _body(answer)

    def copy(self, path: str, file: IO[bytes], most: int) -> None:
        """Write what lies at a path to a file, at most so many bytes."""
        answer = self._call("get_object", Key=path)
        if answer is None:
            raise BucketUnreadable(f"{path} of {self._bucket}: it does not exist")
        for chunk in _chunks(answer, most):
            file.write(chunk)

    def fetch(self, version: Version) -> Stored | None:
        """One version, or None when there is none."""
        where = {"Key": version.path, "VersionId": version.version}
        answer = self._call("get_object", **where)
        if answer is None:
            return None
        mode, until = answer.get("ObjectLockMode"), answer.get("ObjectLockRetainUntilDate")
        if mode is None:  # not locked, or not to be told: asking says which
            retention = (self._call("get_object_retention", **where) or {}).get("Retention", {})
            mode, until = retention.get("Mode"), retention.get("RetainUntilDate")
        return Stored(_body(answer), mode, until.timestamp() if until else 0.0)

    def versions(self) -> Iterator[Version]:
        """Every version and delete marker, by path and newest first."""
        marker: dict[str, str] = {}
        while True:
            page = self._call("list_object_versions", **marker) or {}
            puts = [_version(each, removed=False) for each in page.get("Versions", [])]
            markers = [_version(each, removed=True) for each in page.get("DeleteMarkers", [])]
            yield from sorted(puts + markers, key=lambda version: (version.path, -version.at))
            if not page.get("IsTruncated"):
                return
            marker = {"KeyMarker": page["NextKeyMarker"]}
            if following := page.get("NextVersionIdMarker"):
                marker["VersionIdMarker"] = following

    def retention(self) -> tuple[str, int] | None:
        """The default retention of what is put: mode and days."""
        answer = self._call("get_object_lock_configuration") or {}
        rule = answer.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention")
        return (rule["Mode"], rule.get("Days") or 365 * rule.get("Years", 0)) if rule else None

    def _call(self, operation: str, **parameters: str) -> Any:
        """The answer, or None when what was asked for does not exist."""
        try:
            return getattr(self._s3, operation)(Bucket=self._bucket, **parameters)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _ABSENT | _UNLOCKED:
                return None
            raise BucketUnreadable(f"{operation} of {self._bucket} {parameters.get('Key', '')}: {code}") from None
        except BotoCoreError as error:
            raise BucketUnreadable(f"{operation} of {self._bucket}: {error}") from None


def _body(answer: dict[str, Any]) -> bytes:
    return b"".join(_chunks(answer, MAX_OBJECT_BYTES))


def _chunks(answer: dict[str, Any], most: int) -> Iterator[bytes]:
    """Up to ``most`` bytes of an object's content."""
    try:
        with answer["Body"] as body:
            while most > 0 and (chunk := bytes(body.read(min(most, CHUNK_BYTES)))):
                most -= len(chunk)
                yield chunk
    except BotoCoreError as error:
        raise BucketUnreadable(f"an object's content: {error}") from None


def _version(each: dict[str, Any], *, removed: bool) -> Version:
    return Version(each["Key"], each["VersionId"], each["LastModified"].timestamp(), removed)
