"""The published versions of a policy: ``AGENT#<agent> / POLICY#<version>``. None is ever changed or removed.

Each names its trust level and since when the agent has had it without a break: a proposal of the next counts from then.
"""

import re
from dataclasses import dataclass
from typing import Any

from portcullis.aws import accounts
from portcullis.aws.dynamo import Item, Table, to_attributes
from portcullis.domain import times
from portcullis.protocol.strict_json import MalformedInput

VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Version:
    """One version, and who published it when (microseconds)."""

    version: int
    sha256: bytes
    trust: str
    trust_since: int
    published_at: int
    published_by: str


def read(table: Table, agent: str, version: int) -> Version | None:
    """One version, or None."""
    item = table.get({"pk": accounts.partition(agent), "sk": _sort_key(version)})
    return _from_item(item) if item else None


def trust(table: Table, agent: str) -> str:
    """The trust level of the policy in force; KeyError where there is no such agent."""
    account = accounts.read(table, agent)
    version = read(table, agent, account.policy_version) if account else None
    if version is None:
        raise KeyError(f"no policy of {agent}")
    return version.trust


def list_versions(table: Table, agent: str, limit: int, cursor: str | None) -> tuple[list[Version], str | None]:
    """One page of versions, newest first. The cursor is the last version of the page before."""
    if cursor is not None and not VERSION.fullmatch(cursor):
        raise MalformedInput("cursor", "pass on the cursor of the previous page unchanged")
    before = int(cursor) - 1 if cursor else 10**9
    items, last = table.query(
        KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
        ExpressionAttributeValues=to_attributes(
            {":pk": accounts.partition(agent), ":first": _sort_key(0), ":last": _sort_key(before)}
        ),
        ScanIndexForward=False,
        Limit=limit,
    )
    versions = [_from_item(item) for item in items]
    return versions, str(versions[-1].version) if last and versions[-1].version > 1 else None


def describe(version: Version) -> dict[str, Any]:
    """The public form."""
    return {
        "version": version.version,
        "sha256": version.sha256.hex(),
        "trust": version.trust,
        "published_at": times.rfc3339(version.published_at),
        "published_by": version.published_by,
    }


def to_item(agent: str, version: Version) -> Item:
    """The stored form."""
    return {
        "pk": accounts.partition(agent),
        "sk": _sort_key(version.version),
        "version": version.version,
        "sha256": version.sha256,
        "trust": version.trust,
        "trust_since": version.trust_since,
        "published_at": version.published_at,
        "published_by": version.published_by,
    }


def _sort_key(version: int) -> str:
    return f"POLICY#{version:010d}"


def _from_item(item: Item) -> Version:
    return Version(
        item["version"], item["sha256"], item["trust"], item["trust_since"], item["published_at"], item["published_by"]
    )
