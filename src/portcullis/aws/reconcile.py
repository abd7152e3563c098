"""The reconciler: goes through the core table page by page and puts on the bus again what was never recorded.

``RECONCILER / CURSOR`` says where a run stopped; the next goes on there. A page is done only when all that was missing
in it was put, so a run that dies in its midst is repeated from that page. Two runs at once put the same twice.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from portcullis.aws import stored_events, telemetry
from portcullis.aws.audit_claims import Claims
from portcullis.aws.bus import Bus
from portcullis.aws.dynamo import Item, Table, to_attributes
from portcullis.aws.expressions import Update
from portcullis.domain.reconciliation import Pass, following, lost

CURSOR = {"pk": "RECONCILER", "sk": "CURSOR"}
SELF = {"Function": "reconciler"}
MOST_PAGES = 1_000
"""In one run: what it may cost does not grow with the table."""
PAGE_ITEMS = 1_000
FILTER = (
    "attribute_type(#type, :text) AND (moved_at BETWEEN :first AND :last OR #at BETWEEN :first AND :last OR "
    "(attribute_not_exists(moved_at) AND created_at BETWEEN :first AND :last))"
)
"""What the pipe's filter takes for an event, where its latest change lies within the span."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a run did. ``finished``: there is nothing left to look at for now."""

    examined: int
    lost: int
    finished: bool


class Reconciler:
    """Compares ``core`` with ``claims``, and puts on ``bus`` what is missing."""

    def __init__(self, core: Table, claims: Claims, bus: Bus, *, page_items: int = PAGE_ITEMS) -> None:
        self._core = core
        self._claims = claims
        self._bus = bus
        self._page_items = page_items

    def run(self, now: int, more: Callable[[], bool]) -> Reconciled:
        """Go on where the last run stopped, for as long as there is ``more`` time."""
        current, examined, missing = following(self._stored(), now), 0, 0
        for _ in range(MOST_PAGES):
            if current is None or current.ended:
                return Reconciled(examined, missing, finished=True)
            if not more():
                break
            found, place = self._page(current)
            absent = lost(found, self._claims.recorded(found))
            self._bus.put(absent)
            if absent:
                telemetry.count("Reemitted", len(absent), dimensions=SELF, first=absent[0]["id"], last=absent[-1]["id"])
            current = replace(current, missing=current.missing + len(absent), place=place, ended=place is None)
            self._store(current)
            examined, missing = examined + len(found), missing + len(absent)
        return Reconciled(examined, missing, finished=False)

    def _page(self, current: Pass) -> tuple[list[dict[str, Any]], tuple[str, str] | None]:
        """The events of the next page, and the place after it; None at the table's end."""
        request: dict[str, Any] = {
            "FilterExpression": FILTER,
            "ExpressionAttributeNames": {"#type": "type", "#at": "at"},
            "ExpressionAttributeValues": to_attributes(
                {":text": "S", ":first": current.since + 1, ":last": current.until}
            ),
            "Limit": self._page_items,
        }
        if current.place is not None:
            request["ExclusiveStartKey"] = to_attributes(dict(zip(("pk", "sk"), current.place, strict=True)))
        items, last = self._core.scan(**request)
        return [event for item in items for event in _readable(item)], (last["pk"], last["sk"]) if last else None

    def _stored(self) -> Pass | None:
        item = self._core.get(CURSOR)
        if item is None:
            return None
        place = item.pop("place", None)
        return Pass(**{name: value for name, value in item.items() if name not in CURSOR}, place=place and tuple(place))

    def _store(self, current: Pass) -> None:
        update = Update()
        update.put(**asdict(current))
        self._core.update_if(CURSOR, update.request())


def _readable(item: Item) -> Iterator[dict[str, Any]]:
    """The events of an item. One that cannot be read does not hold up the others."""
    try:
        yield from stored_events.every(item)
    except (KeyError, TypeError, ValueError) as fault:
        telemetry.count("ReconcileFault", dimensions=SELF, pk=item["pk"], sk=item["sk"], fault=type(fault).__name__)
