"""Jobs over the keys of all agents: made, listed, driven, cancelled."""

import time
from typing import Any

from functions.operator_api.request import actor_of, entropy, existing, stores
from portcullis.aws import generations, key_job_records, key_jobs
from portcullis.aws.proxy import Answer, Refusal, json_answer, json_body, limit, parameter
from portcullis.domain.key_jobs import (
    FAILED,
    JOB_ID,
    OUTSTANDING,
    Job,
    describe_job,
    job_id,
    same_request,
)
from portcullis.domain.key_requests import NewKeyJob, new_job
from portcullis.protocol.strict_json import MalformedInput

NO_SUCH_JOB = "There is no such key job."
SLICE_SECONDS = 4.0
"""What is left of the function's time is for the one key that may be contended."""


def _create_job(event: dict[str, Any]) -> Answer:
    wanted, actor = json_body(event, NewKeyJob), actor_of(event)
    current = generations.current(stores().table, stores().roots)
    job = new_job(wanted, job_id(entropy(event, "key job")), actor.arn, actor.now, current)
    stored = key_jobs.create(stores().table, actor, job)
    if not same_request(stored, job):
        raise Refusal("idempotency_conflict", "This Idempotency-Key has made another job.")
    return json_answer(201, describe_job(stored))


def _list_jobs(event: dict[str, Any]) -> Answer:
    found, cursor = key_job_records.list_jobs(stores().table, limit(event), parameter(event, "cursor"))
    return json_answer(200, {"jobs": [describe_job(job) for job in found], "cursor": cursor})


def _get_job(event: dict[str, Any]) -> Answer:
    return json_answer(200, describe_job(_job(event)))


def _list_job_keys(event: dict[str, Any]) -> Answer:
    job, standing = _job(event), parameter(event, "status") or OUTSTANDING
    if standing not in (OUTSTANDING, FAILED):
        raise MalformedInput("status", f"{OUTSTANDING} or {FAILED}")
    found, cursor = key_job_records.list_keys(
        stores().table, job.id, standing, limit(event), parameter(event, "cursor")
    )
    return json_answer(200, {"keys": [key_job_records.describe_key(entry) for entry in found], "cursor": cursor})


def _run_job(event: dict[str, Any]) -> Answer:
    job, ends = _job(event), time.monotonic() + SLICE_SECONDS
    worked = stores().key_jobs.run(job.id, lambda: time.monotonic() < ends)
    return json_answer(200, {**describe_job(_job(event)), "worked": worked})


def _cancel_job(event: dict[str, Any]) -> Answer:
    cancelled = key_jobs.cancel(stores().table, actor_of(event), _id(event))
    return json_answer(200, describe_job(existing(cancelled, NO_SUCH_JOB)))


def _job(event: dict[str, Any]) -> Job:
    return existing(key_job_records.read(stores().table, _id(event)), NO_SUCH_JOB)


def _id(event: dict[str, Any]) -> str:
    named: str = event["pathParameters"]["job"]
    return named if JOB_ID.fullmatch(named) else ""


ROUTES = {
    ("POST", "/v1/key-jobs"): _create_job,
    ("GET", "/v1/key-jobs"): _list_jobs,
    ("GET", "/v1/key-jobs/{job}"): _get_job,
    ("GET", "/v1/key-jobs/{job}/keys"): _list_job_keys,
    ("POST", "/v1/key-jobs/{job}/run"): _run_job,
    ("POST", "/v1/key-jobs/{job}/cancel"): _cancel_job,
}
