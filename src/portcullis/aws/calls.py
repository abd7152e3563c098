"""The rate of every call but the creation of a transaction: ``AGENT#<agent> / CALLS``, an item of its own, so that
reads never meet the account's commits. One conditional update admits a call or tells how long to wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portcullis.aws import accounts, gcra
from portcullis.aws.cache import TtlCache
from portcullis.aws.dynamo import Item, Table
from portcullis.aws.expressions import Update
from portcullis.aws.wire import Unavailable
from portcullis.domain.rate import KEY_TAT_PREFIX, Claim, wait
from portcullis.domain.times import HOUR

FORGET_AFTER = HOUR
"""A key's TAT this far in the past is removed: it says no more than none would."""
ATTEMPTS = 8
_CACHE_SECONDS = 60
_MAX_CACHED = 1024


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a call is within its rates, and their TATs, with it or, when refused, without."""

    claims: Sequence[Claim]
    tats: Mapping[str, int]
    retry_after: int | None = None


class Calls:
    """The TATs last seen are kept; they only choose the form of the update. Its conditions decide."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._seen: TtlCache[dict[str, int]] = TtlCache(_MAX_CACHED, _CACHE_SECONDS)

    def admit(self, agent: str, asked: Sequence[Claim]) -> Admission:
        """Count one call of ``agent``. Raises Unavailable when that could not be done."""
        tats = self._seen.get(agent) or {}
        for _ in range(ATTEMPTS):
            held, item = self._table.update_if(_primary_key(agent), _update(asked, tats))
            tats = {name: value for name, value in item.items() if isinstance(value, int)}
            self._seen.put(agent, tats)
            if held:
                return Admission(asked, tats)
            if (seconds := wait(asked, tats)) is not None:
                return Admission(asked, tats, seconds)
        raise Unavailable(f"the agent's calls were contended in {ATTEMPTS} attempts")


def _primary_key(agent: str) -> Item:
    return {"pk": accounts.partition(agent), "sk": "CALLS"}


def _update(asked: Sequence[Claim], seen: Mapping[str, int]) -> dict[str, Any]:
    update = Update()
    for claim in asked:
        gcra.admit(claim, seen.get(claim.tat, 0), update)
    _forget(asked, seen, update)
    return update.request()


def _forget(asked: Sequence[Claim], seen: Mapping[str, int], update: Update) -> None:
    """Keys that no longer call leave the item, on condition that they still have not."""
    past = asked[0].arrived - FORGET_AFTER
    wanted = {claim.tat for claim in asked}
    old = [name for name, tat in seen.items() if name.startswith(KEY_TAT_PREFIX) and tat < past and name not in wanted]
    for number, name in enumerate(old):
        update.names[f"#old{number}"] = name
        update.values[":past"] = past
        update.conditions.append(f"#old{number} < :past")
        update.removes.append(f"#old{number}")
