"""Jobs over the keys of all agents: rotate or revoke those of a class, those of older roots, or all of them.

    running ─ every agent seen, every key done or failed ─> finished
       └──── cancel ─────────────────────────────────────> cancelled

A job asks for rotations and makes none itself, for it must hold no secret: ``WAITS`` says of whom it asked one.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from portcullis.domain import times
from portcullis.domain.generations import is_older
from portcullis.domain.times import SECOND
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import base62, keys

JOB_ID = re.compile(r"kj_[0-9A-Za-z]{22}", re.ASCII)
HAND, AGENT, SECRETS_MANAGER, GATEWAY = "hand", "agent", "secrets_manager", "gateway"
WAITS = (HAND, AGENT, SECRETS_MANAGER, GATEWAY)
"""What an outstanding key waits for: an operator, its own agent, Secrets Manager, or the job itself."""
OUTSTANDING, FAILED, DONE = "outstanding", "failed", "done"


@dataclass(frozen=True, slots=True)
class Selection:
    """Keys of one class, those of roots older than the generation ``before``, or every key where neither is given."""

    key_class: str | None = None
    before: str | None = None

    def holds(self, key: KeyRecord) -> bool:
        """Whether a key is one of these."""
        if self.key_class is not None:
            return key.key_class == self.key_class
        return self.before is None or is_older(keys.parse_key_id(key.key_id).generation, self.before)


@dataclass(frozen=True, slots=True)
class Job:
    """As stored. ``agents`` were seen, ``unreadable`` ones among them; ``waits`` counts the outstanding keys by what
    they wait for. ``place`` is how far it is among the agents or, once it has ``visited`` all, the outstanding keys.

    ``overlap`` and instants are microseconds. ``lease`` names who works on it, until ``lease_until``.
    """

    id: str
    action: str
    selection: Selection
    overlap: int | None
    reason: str
    actor: str
    created_at: int
    state: str = "running"
    rev: int = 1
    agents: int = 0
    unreadable: int = 0
    seen: int = 0
    done: int = 0
    failed: int = 0
    waits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WAITS, 0))
    visited: bool = False
    place: tuple[int, str] | None = None
    ended_at: int | None = None
    lease: str | None = None
    lease_until: int | None = None

    @property
    def outstanding(self) -> int:
        """How many keys are neither done nor failed."""
        return sum(self.waits.values())


def job_id(entropy: bytes) -> str:
    """A job id from at least 17 bytes of randomness, or of a digest."""
    return "kj_" + base62.from_bytes(entropy, 22)


def same_request(stored: Job, made: Job) -> bool:
    """Whether a stored job is what this call, or its first try, has made."""

    def asked(job: Job) -> tuple[object, ...]:
        return job.action, job.selection, job.overlap, job.reason, job.actor

    return asked(stored) == asked(made)


def is_over(job: Job, key: KeyRecord | None, now: int) -> bool:
    """Whether nothing is left to do about a key: it has ended, or it retires because it has a successor."""
    if key is None or key.state == "revoked":
        return True
    return job.action == "rotate" and (key.state == "retiring" or key.has_ended(now))


def in_scope(job: Job, key: KeyRecord, now: int) -> bool:
    """Whether a job is about a key: one of its selection that was there when the job was made, and is not over."""
    return key.created_at <= job.created_at and job.selection.holds(key) and not is_over(job, key, now)


def was_asked(job: Job, key: KeyRecord) -> bool:
    """Whether the rotation of a key has been asked for since the job was made."""
    return key.due_at is not None and key.due_at >= job.created_at


def waits_for(job: Job, key: KeyRecord) -> str:
    """Who has to act before a key is done."""
    if job.action == "revoke":
        return GATEWAY
    if key.delivered:
        return SECRETS_MANAGER
    return AGENT if key.self_rotation else HAND


def describe_job(job: Job) -> dict[str, Any]:
    """A job's public form, with its progress: done, outstanding and failed keys are those seen."""
    return {
        "job_id": job.id,
        "action": job.action,
        "key_class": job.selection.key_class,
        "before_generation": job.selection.before,
        "overlap_seconds": None if job.overlap is None else job.overlap // SECOND,
        "reason": job.reason,
        "state": job.state,
        "created_at": times.rfc3339(job.created_at),
        "created_by": job.actor,
        "ended_at": None if job.ended_at is None else times.rfc3339(job.ended_at),
        "agents": {"seen": job.agents, "unreadable": job.unreadable, "all_seen": job.visited},
        "keys": describe_progress(job),
        "waiting_for": {name: job.waits[name] for name in WAITS},
    }


def describe_progress(job: Job) -> dict[str, int]:
    """How many keys a job has seen, and what became of them."""
    return {"seen": job.seen, "done": job.done, "outstanding": job.outstanding, "failed": job.failed}
