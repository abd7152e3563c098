"""Which gateway a command speaks to, and as whom."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from portcullis.aws.operator_signing import BotoCoreError, Credentials, Session
from portcullis.cli.failure import USAGE, Failure
from portcullis.client.errors import ConfigurationError
from portcullis.client.settings import check_url

URL_VARIABLE = "PORTCULLIS_OPERATOR_URL"
LOCAL_FILE = Path(".portcullis/local.json")


@dataclass(frozen=True, slots=True)
class Target:
    """The operator API's base URL (stage included), the region, and the credentials to sign with.

    ``audit_key`` is the audit log's verifier key, where the local run tells it.
    """

    url: str
    region: str
    credentials: Credentials = field(repr=False)
    demo_agent: dict[str, str] | None = field(default=None, repr=False)
    agent_url: str | None = None
    audit_key: str | None = None
    audit_bucket: str | None = None
    endpoint_url: str | None = None


def find(url: str | None, region: str | None, local: Path | None) -> Target:
    """The named local run, else the named gateway, else the local run of this folder. Failure says what is missing."""
    if local is not None:
        return _local(local / LOCAL_FILE.name if local.is_dir() else local)
    if url:
        return _remote(checked_url(url, f"--url or {URL_VARIABLE}"), region)
    if LOCAL_FILE.exists():
        return _local(LOCAL_FILE)
    raise Failure(f"no gateway: give --url or {URL_VARIABLE} (output OperatorApiUrl), or run `make up` here", USAGE)


def checked_url(url: str, name: str) -> str:
    """The URL without its trailing slash; Failure when credentials must not go there."""
    try:
        return check_url(url, name)
    except ConfigurationError as error:
        raise Failure(error.detail, USAGE) from None


def credentials_failure(error: BotoCoreError) -> Failure:
    """What stands in the way of signing."""
    return Failure(f"no usable AWS credentials: {error} Run `aws sso login`, or set AWS_PROFILE", USAGE)


def is_local(url: str | None, local: Path | None) -> bool:
    """Whether a local run is what these options find."""
    return local is not None or (not url and LOCAL_FILE.exists())


def caller(region: str | None) -> tuple[Credentials, str]:
    """The credentials of whoever calls, and their region unless one is given. Failure says what is missing."""
    session = Session()
    try:
        found_region = region or session.get_config_variable("region")
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise credentials_failure(error) from None
    if credentials is None:
        raise Failure("no AWS credentials found; run `aws sso login`, or set AWS_PROFILE", USAGE)
    if not found_region:
        raise Failure("no region: give --region or set AWS_DEFAULT_REGION", USAGE)
    return credentials, found_region


def _remote(url: str, region: str | None) -> Target:
    # The host of an execute-api URL names the region for certain; a configured one is that of other work.
    credentials, found_region = caller(region or _region_of(url))
    return Target(url, found_region, credentials)


def _local(path: Path) -> Target:
    if not path.exists():
        raise Failure(f"there is no {path}; start a local run with `make up`", USAGE)
    try:
        described: dict[str, Any] = json.loads(path.read_text())
        operator = described["operator"]
        credentials = Credentials(operator["access_key_id"], operator["secret_access_key"])
        return Target(
            described["operator_url"],
            described["region"],
            credentials,
            described["demo_agent"],
            described["api_url"],
            described.get("audit", {}).get("verifier_key"),
            described.get("audit", {}).get("bucket"),
            described.get("endpoint_url"),
        )
    except (KeyError, ValueError, TypeError, AttributeError, OSError):
        raise Failure(f"{path} is not a complete description of a local run; `make up` writes it anew", USAGE) from None


def _region_of(url: str) -> str | None:
    """The region in an ``execute-api`` host name."""
    parts = (urlsplit(url).hostname or "").split(".")
    return parts[2] if len(parts) > 4 and parts[1] == "execute-api" else None
