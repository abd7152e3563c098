"""Uses of keys as stored: attributes of a nonce's item, found by the index ``by_key``, which holds no other nonces."""

from typing import Any

from portcullis.aws.dynamo import Item, Table, to_attributes
from portcullis.domain.key_uses import Use, describe

INDEX = "by_key"


def to_item(key_id: str, use: Use) -> Item:
    """What an item carries besides its own to be found."""
    return {"used_key": key_id, "used_at": use.at, "ip": use.ip}


def last(nonces: Table, key_id: str) -> dict[str, Any] | None:
    """The public form of the newest use that is remembered, expired or not, or None."""
    items, _ = nonces.query(
        IndexName=INDEX,
        KeyConditionExpression="used_key = :key",
        ExpressionAttributeValues=to_attributes({":key": key_id}),
        ScanIndexForward=False,
        Limit=1,
    )
    return describe(Use(items[0]["used_at"], items[0]["ip"])) if items else None
