"""Which generation of the root new ids name: ``ROOT / GENERATION``, else the first that is there."""

from collections.abc import Sequence
from dataclasses import dataclass

from portcullis.aws import changes
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.dynamo import Cancelled, Item, Table
from portcullis.aws.expressions import Update
from portcullis.aws.roots import Roots
from portcullis.aws.wire import Unavailable
from portcullis.domain.generations import is_older
from portcullis.protocol.strict_json import MalformedInput

PARTITION = "ROOT"
PRIMARY_KEY: Item = {"pk": PARTITION, "sk": "GENERATION"}


@dataclass(frozen=True, slots=True)
class Current:
    """The ``generation`` that new ids name, and since when (None: from the beginning)."""

    generation: str
    rev: int = 0
    advanced_at: int | None = None


def current(table: Table, roots: Roots) -> str:
    """The generation as it is now."""
    return read(table, roots.generations).generation


def read(table: Table, generations: Sequence[str]) -> Current:
    """As it is now, of the ``generations`` that are there."""
    item = table.get(PRIMARY_KEY)
    if item is None:
        return Current(generations[0])
    return Current(item["generation"], item.get("rev", 0), item.get("advanced_at"))


def advance(table: Table, actor: Actor, generations: Sequence[str], wanted: str) -> Current:
    """Let new ids name the generation ``wanted``. Again: no change. It never goes back."""
    if wanted not in generations:
        raise MalformedInput("generation", f"no root of this generation is deployed; there are {' '.join(generations)}")
    for _ in changes.attempts():
        present = read(table, generations)
        if present.generation == wanted:
            return present
        if is_older(wanted, present.generation):
            raise Conflict(f"New keys are of generation {present.generation} already; an older one does not come back.")
        update = Update()
        update.require(rev=present.rev or None)
        update.put(generation=wanted, rev=present.rev + 1, advanced_at=actor.now)
        change = Change("root.advanced", {"generation": wanted, "before": present.generation})
        event = changes.event_put(actor, PARTITION, PARTITION, present.rev + 1, change, None)
        try:
            table.transact(update.action(PRIMARY_KEY), event)
        except Cancelled:
            continue
        return Current(wanted, present.rev + 1, actor.now)
    raise Unavailable("the generation was contended")
