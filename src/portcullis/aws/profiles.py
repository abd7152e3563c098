"""Profiles as stored: ``AGENT#<id>`` in the profiles table, packed, with a version that each write raises by one."""

from dataclasses import dataclass
from typing import Any

from portcullis.aws.dynamo import Item, Table, to_attributes
from portcullis.domain.detection.profile import Profile


@dataclass(slots=True)
class Stored:
    """A profile and the version that it was read at; 0 where none is stored yet."""

    profile: Profile
    version: int = 0


def read(table: Table, agent: str) -> Stored | None:
    """The agent's profile as it is now, or None. Raises UnknownProfile."""
    item = table.get(_primary_key(agent))
    return Stored(Profile.unpack(item["profile"]), item["version"]) if item else None


def replacing(table: Table, agent: str, profile: Profile) -> Stored:
    """``profile`` as it can be stored over what is there now, whether or not that can be read."""
    item = table.get(_primary_key(agent))
    return Stored(profile, item["version"] if item else 0)


def write(table: Table, agent: str, stored: Stored) -> bool:
    """Store it unless somebody else did since it was read; whether it was stored."""
    return table.put_if(_to_item(agent, stored), _condition(stored), {":read": stored.version})


def writing(table: Table, agent: str, stored: Stored) -> dict[str, Any]:
    """`write` as an action of a transaction, which may otherwise be about another table."""
    put = {
        "TableName": table.name,
        "Item": to_attributes(_to_item(agent, stored)),
        "ConditionExpression": _condition(stored),
        "ExpressionAttributeValues": to_attributes({":read": stored.version}),
    }
    return {"Put": put}


def _condition(stored: Stored) -> str:
    return "version = :read" if stored.version else "attribute_not_exists(pk) OR version = :read"


def _to_item(agent: str, stored: Stored) -> Item:
    return {**_primary_key(agent), "profile": stored.profile.pack(), "version": stored.version + 1}


def _primary_key(agent: str) -> Item:
    return {"pk": f"AGENT#{agent}"}
