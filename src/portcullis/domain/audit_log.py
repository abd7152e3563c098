"""How entries get into the audit log (DESIGN 8): the steps, without any I/O.

Each function is a generator that yields what it wants of S3, DynamoDB and KMS and is sent the answers, so that one and
the same code runs against AWS and, step by step among others and through crashes, in the simulation.

1. **Claim.** Each entry's id is claimed for the segment about to be made: its start and a nonce. A claim proves nothing
   by itself. It tells where to look: the id is recorded if and only if the segment at that start holds it.
2. **Commit.** The segment is created where the log ends, on condition that nothing is there. Of racing writers one
   wins; the others read what it committed, and go on behind it with what it did not hold.
3. **Publish.** Tiles, bundles and checkpoint follow from the committed segments alone, so whoever makes them, and
   however often, makes the same bytes.

Starts only ever rise along the claims of one id, because a claim is taken over only by who has seen the log as far as
it. So before an id can be written behind a start for which it was claimed, the segment there is read, and it is final.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

from portcullis.domain.audit_operations import (
    Claim,
    ClaimId,
    Contended,
    Create,
    Found,
    LogDisagrees,
    Read,
    Recordable,
    Steps,
)
from portcullis.domain.audit_tree import LARGEST_BATCH, Log, load, publish
from portcullis.protocol import audit_entries, segments
from portcullis.protocol.log_errors import MalformedEntry
from portcullis.protocol.notes import VerifierKey
from portcullis.protocol.segments import Segment

ATTEMPTS = 24
MOST_PENDING = 10_000
"""How many committed entries are published at once."""


Key = Callable[[], VerifierKey]
"""The key, asked for only when something is to be published: recording must not wait for it."""


def record(log: Log | None, batch: Sequence[Recordable], key: Key, nonce: Callable[[], str]) -> Steps[Log]:
    """Record each event of the batch that is not recorded yet, once; ``log`` is what this process knows, if anything.

    Two events of one id that say different things are both recorded, the second under an id of its own. Otherwise who
    can put an event on the bus could keep another out of the log.
    """
    log = yield from current(log, key)
    rest = list({entry.data: entry for entry in batch}.values())
    while rest:
        now = {entry.id: entry for entry in rest}
        log = yield from commit(log, list(now.values()), nonce)
        rest = [entry for entry in rest if now[entry.id] is not entry]
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


def commit(log: Log, batch: Sequence[Recordable], nonce: Callable[[], str]) -> Steps[Log]:
    """Commit what of the batch, whose ids differ, is not recorded yet, in one segment."""
    if len(batch) > LARGEST_BATCH:
        raise ValueError(f"a batch has at most {LARGEST_BATCH} entries")
    wanted = {entry.id: entry for entry in batch}
    held: dict[str, Claim] = {}
    for _ in range(ATTEMPTS):
        mine = Claim(log.size, nonce())
        ahead = yield from _claim_all(mine, wanted, held)
        if ahead is None and wanted:
            body = segments.encode(mine.start, mine.nonce, log.last, [entry.data for entry in wanted.values()])
            created = yield Create(segments.segment_path(mine.start), body)
            ahead = segments.parse(body) if created else (yield from _committed(mine.start))
        if ahead is not None:
            log = log.followed_by(ahead)
            for id_, data in _recorded(ahead).items():
                _settle(wanted, id_, data)
        if not wanted:
            return log
    raise Contended(f"{len(wanted)} entries could not be committed in {ATTEMPTS} attempts")


def _claim_all(mine: Claim, wanted: dict[str, Recordable], held: dict[str, Claim]) -> Steps[Segment | None]:
    """Claim every wanted id, forgetting those that prove recorded; the segment that meanwhile stands at the start."""
    seen: dict[int, dict[str, bytes]] = {}
    unclaimed = list(wanted)
    for id_ in unclaimed:
        over = held.get(id_)
        while (holder := (yield ClaimId(id_, mine, over))) != mine:
            if holder.start >= mine.start:
                ahead = yield from _segment(mine.start)
                if ahead is not None:
                    return ahead
                if holder.start > mine.start:
                    raise LogDisagrees(f"an entry is claimed for {holder.start}, and there is no segment {mine.start}")
            elif holder.start not in seen:
                seen[holder.start] = _recorded((yield from _committed(holder.start)))
            if id_ in seen.get(holder.start, {}):
                unclaimed += _settle(wanted, id_, seen[holder.start][id_])
                break
            over = holder
        else:
            held[id_] = mine
    return None


def _segment(start: int) -> Steps[Segment | None]:
    found: Found | None = yield Read(segments.segment_path(start))
    return segments.parse(found.body) if found else None


def _committed(start: int) -> Steps[Segment]:
    segment = yield from _segment(start)
    if segment is None:
        raise LogDisagrees(f"the segment at {start} is gone")
    return segment


def _recorded(segment: Segment) -> dict[str, bytes]:
    return {audit_entries.parse_id(entry): entry for entry in segment.entries}


def _settle(wanted: dict[str, Recordable], id_: str, data: bytes) -> list[str]:
    """An id is recorded with ``data``; the new ids that are wanted when it was wanted with something else."""
    entry = wanted.pop(id_, None)
    if entry is None or entry.data == data:
        return []
    apart = _apart(entry)
    wanted[apart.id] = apart
    return [apart.id]


def _apart(entry: Recordable) -> Recordable:
    """The entry under an id that what it says is part of."""
    id_ = f"{entry.id}!{sha256(entry.data).hexdigest()[:16]}"
    whole = audit_entries.parse(entry.data)
    try:
        return replace(entry, id=id_, data=audit_entries.encode(whole._replace(id=id_)))
    except MalformedEntry:
        short = audit_entries.rejected("oversize", entry.data, whole.at)
        return replace(entry, id=short.id, data=audit_entries.encode(short), rejected=True)
