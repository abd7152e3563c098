"""Which gateway a command speaks to, and as whom."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from portcullis.aws.operator_signing import Credentials, Session
from portcullis.cli.failure import USAGE, Failure

URL_VARIABLE = "PORTCULLIS_OPERATOR_URL"
LOCAL_FILE = Path(".portcullis/local.json")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Target:
    """The operator API's base URL (stage included), the region, and the credentials to sign with."""

    url: str
    region: str
    credentials: Credentials
    demo_agent: dict[str, str] | None = None
    agent_url: str | None = None


def find(url: str | None, region: str | None, local: Path | None) -> Target:
    """The named gateway; without a name the local run of this folder. Failure says what is missing."""
    if url is None and (local or LOCAL_FILE).exists():
        return _local(local or LOCAL_FILE)
    if local is not None:
        raise Failure(f"there is no {local}; start a local run with `make up`", USAGE)
    if url is None:
        raise Failure(f"no gateway: give --url or {URL_VARIABLE} (output OperatorApiUrl), or run `make up` here", USAGE)
    if urlsplit(url).scheme != "https" and urlsplit(url).hostname not in _LOOPBACK:
        raise Failure("--url: use https:// (plain http only on loopback)", USAGE)
    session = Session()
    found_region = region or session.get_config_variable("region") or _region_of(url)
    credentials = session.get_credentials()
    if credentials is None:
        raise Failure("no AWS credentials found; run `aws sso login`, or set AWS_PROFILE", USAGE)
    if not found_region:
        raise Failure("no region: give --region or set AWS_REGION", USAGE)
    return Target(url.rstrip("/"), found_region, credentials)


def _local(path: Path) -> Target:
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
        )
    except (KeyError, ValueError, TypeError, OSError):
        raise Failure(f"{path} is not a complete description of a local run; `make up` writes it anew", USAGE) from None


def _region_of(url: str) -> str | None:
    """The region in an ``execute-api`` host name."""
    parts = (urlsplit(url).hostname or "").split(".")
    return parts[2] if len(parts) > 4 and parts[1] == "execute-api" else None
