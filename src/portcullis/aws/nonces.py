"""Nonces: claimed once, in one conditional write (DESIGN 2.2 f)."""

from portcullis.aws.dynamo import Table
from portcullis.protocol.signing import MAX_SKEW_SECONDS

MARGIN_SECONDS = 60


class Nonces:
    """The nonce table. An item outlives the time in which its request could be accepted; TTL only tidies up."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, key_id: str, nonce: str, timestamp: int, token: str) -> bool:
        """Whether this is the first claim. ``token`` is made for this invocation: a repeat of the same write, after
        its answer was lost, meets its own token and is no replay."""
        item = {
            "pk": f"{key_id}#{nonce}",
            "claim": token,
            "expires_at": timestamp + MAX_SKEW_SECONDS + MARGIN_SECONDS,
        }
        return self._table.put_if(item, "attribute_not_exists(pk) OR claim = :claim", {":claim": token})
