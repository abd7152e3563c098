"""What the audit log holds already, asked of the claims that its writer makes."""

from collections.abc import Sequence
from typing import Any

from portcullis.aws.dynamo import Table


def recorded(claims: Table, events: Sequence[dict[str, Any]]) -> frozenset[str]:
    """The ids of those events that the audit writer was handed. A claim is made before the entry is committed, but its
    message is delivered again until it is, so none of them needs the outbox any more."""
    ids = sorted({event["id"] for event in events})
    return frozenset(item["pk"] for item in claims.get_many([{"pk": id_} for id_ in ids]))
