"""What claims cost: the writer's own steps, against items in memory whose writes are counted as DynamoDB bills them."""

from dataclasses import dataclass

from portcullis.aws.audit_claims import FULL, START_BYTES
from portcullis.domain import audit_log, times
from portcullis.domain.audit_claims import NAME_LENGTH
from portcullis.domain.audit_operations import ClaimAll, Recordable, Standing
from portcullis.domain.audit_tree import Log
from portcullis.protocol import audit_entries
from tests.simulation.world import KEY, World
from tests.unit.protocol.built_log import entry

CLAIMED = (1, 10, 100, 500)
BATCHES = 20
WINDOW_SECONDS = 3
"""How long the queue collects a batch; its events are taken to be spread evenly over that."""
CLAIM_BYTES = NAME_LENGTH + START_BYTES + 16
ITEM_BYTES = 64
"""The attributes of an item beside its claims: its key, when it expires, and how many claims it has."""
UNIT_BYTES = 1_024


@dataclass(frozen=True, slots=True)
class Claimed:
    """Write units per event, and calls per batch."""

    units: float
    calls: float


class Counting(World):
    """Counts writes, refused ones too, each by the item it leaves or meets."""

    units = calls = 0

    def claim(self, wanted: ClaimAll) -> Standing | None:
        standing = super().claim(wanted)
        size = ITEM_BYTES + CLAIM_BYTES * len(self.claims[wanted.item])
        self.units += -(-size // UNIT_BYTES)
        self.calls += 1
        return standing


def claimed(batch: int, deliveries: int = 1) -> Claimed:
    """For batches of this size, one after the other."""
    world, log = Counting(full=FULL), Log()
    for number in range(BATCHES):
        events = [_event(number * batch + at, batch) for at in range(batch)]
        for _ in range(deliveries):
            log = world.run(audit_log.record(log, events, lambda: KEY, lambda: f"{world.calls:032x}"))
    return Claimed(world.units / (BATCHES * batch), world.calls / BATCHES)


def _event(index: int, batch: int) -> Recordable:
    at = times.rfc3339(index * WINDOW_SECONDS * times.SECOND // batch)
    made = audit_entries.parse(entry(index))._replace(at=at)
    return Recordable(made.id, audit_entries.encode(made))
