"""Secrets Manager. A version's id is the token of the call that makes it, so that a retry makes no second one."""

from collections.abc import Iterator
from typing import Any

from portcullis.aws.wire import AwsError, Service
from portcullis.domain.secret_rotation import CURRENT, PENDING, Secret

NOT_FOUND = "ResourceNotFoundException"


class SecretsManager:
    """The secrets that this role may reach. ``secret`` is a name or an ARN."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self, secret: str) -> Secret | None:
        """The secret without its values, or None."""
        try:
            found = self._call("DescribeSecret", SecretId=secret)
        except AwsError as error:
            if error.code == NOT_FOUND:
                return None
            raise
        return _secret(found, found.get("VersionIdsToStages"))

    def with_pending(self, prefix: str) -> Iterator[Secret]:
        """The secrets whose name begins with ``prefix`` and that have a version staged AWSPENDING."""
        for secret in self._list("name", prefix):
            if secret.name.startswith(prefix) and secret.staged(PENDING):
                yield secret

    def tagged(self, key: str) -> Iterator[Secret]:
        """The secrets that have a tag of this key."""
        for secret in self._list("tag-key", key):
            if key in secret.tags:
                yield secret

    def _list(self, property_: str, value: str) -> Iterator[Secret]:
        """Secrets Manager's filters take what begins with ``value``, and are a few minutes late."""
        more: dict[str, Any] = {}
        while True:
            page = self._call("ListSecrets", Filters=[{"Key": property_, "Values": [value]}], **more)
            for found in page["SecretList"]:
                yield _secret(found, found.get("SecretVersionsToStages"))
            if not page.get("NextToken"):
                return
            more = {"NextToken": page["NextToken"]}

    def current(self, secret: str) -> str | None:
        """The text that is handed out."""
        return self._text(SecretId=secret)

    def text(self, secret: str, token: str) -> str | None:
        """A version's text; None while it has none."""
        return self._text(SecretId=secret, VersionId=token)

    def _text(self, **which: str) -> str | None:
        try:
            found = self._call("GetSecretValue", **which)
        except AwsError as error:
            if error.code == NOT_FOUND:
                return None
            raise
        text: str | None = found.get("SecretString")
        return text

    def create(self, name: str, text: str, token: str, description: str) -> str:
        """A new secret's ARN."""
        made = self._call(
            "CreateSecret", Name=name, SecretString=text, ClientRequestToken=token, Description=description
        )
        return str(made["ARN"])

    def put(self, secret: str, text: str, token: str, stage: str) -> None:
        """A new version with this stage."""
        self._call(
            "PutSecretValue", SecretId=secret, SecretString=text, ClientRequestToken=token, VersionStages=[stage]
        )

    def make_current(self, secret: str, token: str, former: str | None) -> None:
        """Move AWSCURRENT to a version; the ``former`` one becomes AWSPREVIOUS."""
        moved = {"MoveToVersionId": token} | ({"RemoveFromVersionId": former} if former else {})
        self._call("UpdateSecretVersionStage", SecretId=secret, VersionStage=CURRENT, **moved)

    def unstage(self, secret: str, token: str) -> None:
        """Take AWSPENDING from a version, which ends its rotation; without effect where it is not."""
        present = self.describe(secret)
        if present is None or PENDING not in present.stages.get(token, ()):
            return
        self._call("UpdateSecretVersionStage", SecretId=secret, VersionStage=PENDING, RemoveFromVersionId=token)

    def rotate(self, secret: str, token: str, **settings: Any) -> None:
        """RotateSecret, as ``settings`` say or as they were set before."""
        self._call("RotateSecret", SecretId=secret, ClientRequestToken=token, **settings)

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        return self._service.json_call(f"secretsmanager.{operation}", "1.1", request)


def _secret(found: dict[str, Any], stages: dict[str, list[str]] | None) -> Secret:
    return Secret(
        found["ARN"],
        found["Name"],
        bool(found.get("RotationEnabled")),
        found.get("DeletedDate") is not None,
        {token: frozenset(names) for token, names in (stages or {}).items()},
        {tag["Key"]: tag["Value"] for tag in found.get("Tags") or ()},
    )
