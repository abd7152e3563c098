"""Key jobs as stored: ``JOB#<id> / JOB``, beside it ``KEY#<key id>`` for each key that it has seen, and its events."""

from dataclasses import asdict
from typing import Any

from portcullis.aws import listings
from portcullis.aws.dynamo import Item, Table
from portcullis.domain import times
from portcullis.domain.key_jobs import OUTSTANDING, WAITS, Job, Selection, waits_for
from portcullis.domain.verification import KeyRecord

OPEN, CLOSED = "JOBS#open", "JOBS#closed"


def partition(job_id: str) -> str:
    """The partition of everything of one job."""
    return f"JOB#{job_id}"


def primary_key(job_id: str) -> Item:
    """Where a job's item stands."""
    return {"pk": partition(job_id), "sk": "JOB"}


def read(table: Table, job_id: str) -> Job | None:
    """The job as it is now, or None."""
    item = table.get(primary_key(job_id))
    return from_item(item) if item else None


def list_jobs(table: Table, limit: int, cursor: str | None) -> tuple[list[Job], str | None]:
    """One page of jobs, newest first."""
    items, following = listings.page(table, [OPEN, CLOSED], limit, cursor)
    return [from_item(item) for item in items], following


def list_keys(
    table: Table, job_id: str, standing: str, limit: int, cursor: str | None
) -> tuple[list[Item], str | None]:
    """One page of a job's outstanding or failed keys, newest first."""
    return listings.page(table, [keys_partition(job_id, standing)], limit, cursor)


def keys_partition(job_id: str, standing: str) -> str:
    """The index partition in which a job's outstanding or failed keys are listed."""
    return f"{job_id}#{standing}"


def to_item(job: Job) -> Item:
    """The stored form."""
    stored = asdict(job)
    selection, waits = stored.pop("selection"), stored.pop("waits")
    item = {**selection, **{f"waits_{name}": waits[name] for name in WAITS}, **stored}
    kept = {name: value for name, value in item.items() if value is not None and name != "id"}
    return {**primary_key(job.id), "status_key": OPEN if job.state == "running" else CLOSED, **kept}


def from_item(item: Item) -> Job:
    """The inverse of to_item."""
    waits = {name: item[f"waits_{name}"] for name in WAITS}
    own = {"pk", "sk", "status_key", "key_class", "before", "place", *(f"waits_{name}" for name in WAITS)}
    return Job(
        id=item["pk"].removeprefix("JOB#"),
        selection=Selection(item.get("key_class"), item.get("before")),
        waits=waits,
        place=tuple(item["place"]) if "place" in item else None,
        overlap=item.get("overlap"),
        **{name: value for name, value in item.items() if name not in own | {"overlap"}},
    )


def key_of(job_id: str, key_id: str) -> Item:
    """Where a key's item stands in a job."""
    return {"pk": partition(job_id), "sk": f"KEY#{key_id}"}


def key_item(job: Job, key: KeyRecord, now: int) -> Item:
    """A key of a job, outstanding."""
    return {
        **key_of(job.id, key.key_id),
        "agent": key.agent,
        "standing": OUTSTANDING,
        "waits": waits_for(job, key),
        "status_key": keys_partition(job.id, OUTSTANDING),
        "created_at": now,
    }


def describe_key(entry: Item) -> dict[str, Any]:
    """The public form of a key that is outstanding or has failed."""
    return {
        "key_id": entry["sk"].removeprefix("KEY#"),
        "agent_id": entry["agent"],
        "waits_for": entry["waits"],
        "since": times.rfc3339(entry["created_at"]),
        "error": entry.get("error"),
    }
