"""How entries get into the audit log (DESIGN 8): the steps, without any I/O.

Each function is a generator that yields what it wants of S3, DynamoDB and KMS and is sent the answers, so that one and
the same code runs against AWS and, step by step among others and through crashes, in the simulation.

1. **Claim.** Each entry's identity, its id and instant, is claimed for the segment about to be made: its start and a
   nonce. A claim proves nothing by itself. It tells where to look: the entry is recorded if and only if the segment at
   that start holds it. Claims share items, and one write claims many of an item or, when one of them is not as
   expected, none.
2. **Commit.** The segment is created where the log ends, on condition that nothing is there. Of racing writers one
   wins; the others read what it committed, and go on behind it with what it did not hold.
3. **Publish.** Tiles, bundles and checkpoint follow from the committed segments alone, so whoever makes them, and
   however often, makes the same bytes.

Starts only ever rise along the claims of one entry, because a claim is taken over only by who has seen the log as far
as it. So before an entry can be written behind a start for which it was claimed, the segment there is read, and it is
final. That holds of each entry by itself, whoever else is claimed by the same write: a write claims all that it names
from exactly the claims that were looked into, so claiming many at once is claiming each at the same instant, and a
crash between two writes is one between two claims. An identity has one claim, for an item that is full stays so: what
it does not hold then, it never will.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from portcullis.domain.audit_claims import Wanted, name_of
from portcullis.domain.audit_operations import (
    Claim,
    ClaimAll,
    Contended,
    Create,
    Found,
    LogDisagrees,
    Read,
    Recordable,
    Standing,
    Steps,
)
from portcullis.domain.audit_tree import LARGEST_BATCH, Log, load, publish
from portcullis.protocol import audit_entries, segments
from portcullis.protocol.log_errors import MalformedEntry
from portcullis.protocol.notes import VerifierKey
from portcullis.protocol.segments import Segment

ATTEMPTS = 24
MOST_AT_ONCE = 100
"""Entries that one write claims: DynamoDB takes 300 operators and 4 KB of condition, and each needs 2 and 30 bytes."""
MOST_PENDING = 10_000
"""How many committed entries are published at once."""


Key = Callable[[], VerifierKey]
"""The key, asked for only when something is to be published: recording must not wait for it."""


def record(log: Log | None, batch: Sequence[Recordable], key: Key, nonce: Callable[[], str]) -> Steps[Log]:
    """Record each event of the batch that is not recorded yet, once; ``log`` is what this process knows, if anything.

    Two events of one id and instant that say different things are both recorded, the second under an id of its own.
    Otherwise who can put an event on the bus could keep another out of the log.
    """
    log = yield from current(log, key)
    rest = [Wanted(entry) for entry in {entry.data: entry for entry in batch}.values()]
    while rest:
        now = {each.name: each for each in rest}
        log = yield from commit(log, now, nonce)
        rest = [each for each in rest if now[each.name] is not each]
    return log


def current(log: Log | None, key: Key) -> Steps[Log]:
    """The log up to its end. A long way there is published in parts."""
    log = log or (yield from load())
    while True:
        log = yield from catch_up(log)
        if len(log.pending) < MOST_PENDING:
            return log
        log = yield from publish(log, key())


def catch_up(log: Log) -> Steps[Log]:
    """The log with what others have committed since, up to MOST_PENDING."""
    while len(log.pending) < MOST_PENDING:
        segment = yield from _segment(log.size)
        if segment is None:
            break
        log = log.followed_by(segment)
    return log


def commit(log: Log, batch: Mapping[str, Wanted], nonce: Callable[[], str]) -> Steps[Log]:
    """Commit what of the batch, which is by name, is not recorded yet, in one segment."""
    if len(batch) > LARGEST_BATCH:
        raise ValueError(f"a batch has at most {LARGEST_BATCH} entries")
    wanted = dict(batch)
    for _ in range(ATTEMPTS):
        mine = Claim(log.size, nonce())
        ahead = yield from _claim_all(mine, wanted)
        if ahead is None and wanted:
            body = segments.encode(mine.start, mine.nonce, log.last, [each.entry.data for each in wanted.values()])
            created = yield Create(segments.segment_path(mine.start), body)
            ahead = segments.parse(body) if created else (yield from _committed(mine.start))
        if ahead is not None:
            log = log.followed_by(ahead)
            for name, data in _recorded(ahead).items():
                _settle(wanted, name, data)
        if not wanted:
            return log
    raise Contended(f"{len(wanted)} entries could not be committed in {ATTEMPTS} attempts")


def _claim_all(mine: Claim, wanted: dict[str, Wanted]) -> Steps[Segment | None]:
    """Claim all that is wanted, forgetting what proves recorded; the segment that meanwhile stands at the start."""
    seen: dict[int, dict[str, bytes]] = {}
    while some := _unclaimed(mine, wanted):
        item = some[0].item
        standing: Standing | None = yield ClaimAll(item, mine, {each.name: each.claim for each in some})
        if standing is None:
            for each in some:
                each.claim = mine
            continue
        others = _held_by_others(mine, item, wanted, standing)
        latest = max((holder.start for _, holder in others), default=-1)
        if latest >= mine.start:
            ahead = yield from _segment(mine.start)
            if ahead is not None:
                return ahead
            if latest > mine.start:
                raise LogDisagrees(f"an entry is claimed for {latest}, and there is no segment {mine.start}")
        yield from _look_into(mine, others, wanted, seen)
    return None


def _unclaimed(mine: Claim, wanted: dict[str, Wanted]) -> list[Wanted]:
    """The next that one write can claim, all of one item."""
    rest = [each for each in wanted.values() if each.claim != mine]
    return [each for each in rest if each.item == rest[0].item][:MOST_AT_ONCE]


def _held_by_others(
    mine: Claim, item: str, wanted: dict[str, Wanted], standing: Standing
) -> list[tuple[Wanted, Claim]]:
    """What of an item others hold; the rest goes down where it is full, and is ours where a repeated call did it."""
    others = []
    for each in [each for each in wanted.values() if each.item == item and each.claim != mine]:
        holder = standing.claims.get(each.name)
        if holder is None or holder == mine:
            each.claim = holder
        elif holder != each.claim:
            others.append((each, holder))
        if holder is None and standing.full:
            each.descend()
    return others


def _look_into(
    mine: Claim, others: list[tuple[Wanted, Claim]], wanted: dict[str, Wanted], seen: dict[int, dict[str, bytes]]
) -> Steps[None]:
    """Forget what is recorded where others claimed it; only the rest of their claims may be taken over."""
    for each, holder in others:
        if holder.start < mine.start and holder.start not in seen:
            seen[holder.start] = _recorded((yield from _committed(holder.start)))
        if each.name in seen.get(holder.start, {}):
            _settle(wanted, each.name, seen[holder.start][each.name])
        else:
            each.claim = holder


def _segment(start: int) -> Steps[Segment | None]:
    found: Found | None = yield Read(segments.segment_path(start))
    return segments.parse(found.body) if found else None


def _committed(start: int) -> Steps[Segment]:
    segment = yield from _segment(start)
    if segment is None:
        raise LogDisagrees(f"the segment at {start} is gone")
    return segment


def _recorded(segment: Segment) -> dict[str, bytes]:
    return {name_of(entry): entry for entry in segment.entries}


def _settle(wanted: dict[str, Wanted], name: str, data: bytes) -> None:
    """A name is recorded with ``data``. What was wanted with something else is wanted under an id of its own."""
    each = wanted.pop(name, None)
    if each is not None and each.entry.data != data:
        apart = Wanted(_apart(each.entry))
        wanted[apart.name] = apart


def _apart(entry: Recordable) -> Recordable:
    """The entry under an id that what it says is part of."""
    id_ = f"{entry.id}!{sha256(entry.data).hexdigest()[:16]}"
    whole = audit_entries.parse(entry.data)
    try:
        return replace(entry, id=id_, data=audit_entries.encode(whole._replace(id=id_)))
    except MalformedEntry:
        short = audit_entries.rejected("oversize", entry.data, whole.at)
        return replace(entry, id=short.id, data=audit_entries.encode(short), rejected=True)
