"""Nonces: claimed once, in one conditional write (DESIGN 2.2 f). Now and then the same write tells a use of the key."""

from portcullis.aws import key_uses
from portcullis.aws.dynamo import Item, Table
from portcullis.domain.key_uses import Sampler, Use
from portcullis.protocol.signing import MAX_SKEW_SECONDS

MARGIN_SECONDS = 60
USES_KEPT_SECONDS = 90 * 86_400


class Nonces:
    """The nonce table. An item outlives the time in which its request could be accepted; TTL only tidies up."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._sampler = Sampler()

    def claim(self, key_id: str, nonce: str, timestamp: int, token: str, use: Use) -> bool:
        """Whether this is the first claim. ``token`` is made for this invocation: a repeat of the same write, after
        its answer was lost, meets its own token and is no replay.

        A claim that fails leaves no trace, so that only verified requests are uses.
        """
        sampled = self._sampler.is_due(key_id, use)
        item = to_item(key_id, nonce, timestamp, token, use if sampled else None)
        first = self._table.put_if(item, "attribute_not_exists(pk) OR claim = :claim", {":claim": token})
        if first and sampled:
            self._sampler.record(key_id, use)
        return first


def to_item(key_id: str, nonce: str, timestamp: int, token: str, use: Use | None) -> Item:
    """The stored form; with ``use`` it is kept for 90 days more, and found as a use of its key."""
    kept = USES_KEPT_SECONDS if use else 0
    return {
        "pk": f"{key_id}#{nonce}",
        "claim": token,
        "expires_at": timestamp + MAX_SKEW_SECONDS + MARGIN_SECONDS + kept,
        **(key_uses.to_item(key_id, use) if use else {}),
    }
