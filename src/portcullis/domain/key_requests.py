"""What operators ask for about rotation: of one key, of those of many agents, of the root; and keys by their age.

The functions that carry it out import none of this, for they have no models.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from portcullis.domain import times
from portcullis.domain.key_classes import RETIRE_NOTICE, Rotation
from portcullis.domain.key_jobs import Job, Selection
from portcullis.domain.models import Reason, StrictModel
from portcullis.domain.operator_requests import KeyClass, PublicKey, describe_key
from portcullis.domain.times import DAY, SECOND
from portcullis.domain.verification import KeyRecord
from portcullis.protocol.strict_json import MalformedInput

SHORTEST_OVERLAP = RETIRE_NOTICE // SECOND
LONGEST_OVERLAP = 30 * DAY // SECOND
_SELECTIONS = ("key_class", "generation", "all")
_OVERLAPS = {"anyOf": [{"const": 0}, {"minimum": SHORTEST_OVERLAP}]}


def _overlap(seconds: int) -> int:
    if 0 < seconds < SHORTEST_OVERLAP:
        raise ValueError(f"at least {SHORTEST_OVERLAP} seconds; 0 ends the old key at once")
    return seconds


Overlap = Annotated[int, Field(ge=0, le=LONGEST_OVERLAP, json_schema_extra={**_OVERLAPS}), AfterValidator(_overlap)]


class KeyRotation(StrictModel):
    """``POST /v1/agents/{agent}/keys/{key}/rotate``; the old key works on for the stage's overlap, or for another that
    is given, and commits nothing from that write on when it is 0.

    A key that was issued for a public key needs a new ``public_key``; one with a secret takes none.
    """

    overlap_seconds: Overlap | None = None
    public_key: PublicKey | None = None

    def overlap(self, usual: int) -> int:
        """In microseconds, ``usual`` unless it was asked for another."""
        return usual if self.overlap_seconds is None else self.overlap_seconds * SECOND


def _one_selection(schema: dict[str, Any]) -> None:
    """The schema of a body that selects keys in exactly one way, and gives an overlap only to what is rotated."""
    null = {"type": "null"}
    schema["oneOf"] = [
        {"required": [one], "properties": {name: {"not": null} if name == one else null for name in _SELECTIONS}}
        for one in _SELECTIONS
    ]
    schema["if"] = {"properties": {"action": {"const": "revoke"}}}
    schema["then"] = {"properties": {"overlap_seconds": null}}


class NewKeyJob(StrictModel):
    """``POST /v1/key-jobs``: exactly one of ``key_class``, ``generation`` (keys of roots older than the current one)
    and ``all``. ``overlap_seconds`` is how long old keys stay valid beside their successors, the stage's time or less.
    """

    model_config = ConfigDict(json_schema_extra=_one_selection)

    action: Literal["rotate", "revoke"]
    key_class: KeyClass | None = None
    generation: Literal["before_current"] | None = None
    all: Literal[True] | None = None
    overlap_seconds: Annotated[int, Field(ge=SHORTEST_OVERLAP, le=LONGEST_OVERLAP)] | None = None
    reason: Reason


class NewGeneration(StrictModel):
    """``POST /v1/root/generation``: the one that new ids name from now on. It never goes back."""

    generation: Annotated[str, Field(pattern="^[0-9A-Za-z]$")]


def new_job(wanted: NewKeyJob, job_id: str, actor: str, now: int, generation: str) -> Job:
    """The job that a body asks for; ``generation`` is the current one."""
    if sum(getattr(wanted, name) is not None for name in _SELECTIONS) != 1:
        raise MalformedInput("key_class", "give exactly one of key_class, generation and all")
    if wanted.action == "revoke" and wanted.overlap_seconds is not None:
        raise MalformedInput("overlap_seconds", "a revoked key ends at once; leave it out, or rotate")
    selection = Selection(wanted.key_class, generation if wanted.generation else None)
    overlap = None if wanted.overlap_seconds is None else wanted.overlap_seconds * SECOND
    return Job(job_id, wanted.action, selection, overlap, wanted.reason, actor, now)


def describe_by_age(record: KeyRecord, rotation: Rotation, now: int) -> dict[str, Any]:
    """A key's public form at ``now`` (microseconds), with its age and when it is due. What has an end or no life any
    more is not due; ``ended`` is a key whose end has passed, whatever is stored."""
    due = rotation.rotate_by(record.key_class, record.created_at, record.due_at)
    ended = record.state != "revoked" and record.has_ended(now)
    is_due = record.state == "active" and not ended
    return {
        **describe_key(record),
        **({"state": "ended"} if ended else {}),
        "successor": record.successor,
        "age_days": max(0, now - record.created_at) // DAY,
        "rotate_by": times.rfc3339(due) if is_due else None,
        "overdue": is_due and due <= now,
    }
