"""Started every minute, it goes on with every key job that is not finished, whether or not anybody else drives it."""

import time
from functools import cache
from typing import Any

from portcullis.aws import key_job_records, listings, settings, telemetry
from portcullis.aws.changes import DEADLINE_SECONDS
from portcullis.aws.dynamo import Table
from portcullis.aws.key_delivery import Deliveries
from portcullis.aws.key_job_runs import KeyJobs
from portcullis.aws.secrets_manager import SecretsManager
from portcullis.aws.wire import AwsError, Service, Unavailable

RESERVE_MILLISECONDS = int((DEADLINE_SECONDS + 5) * 1000)
"""The longest that one key may take, and the time to give the lease back."""
SLICE_SECONDS = 30


@cache
def key_jobs() -> KeyJobs:
    """The jobs of this process."""
    own, environment = settings.key_jobs(), settings.aws()
    table = Table(own.core_table, Service("dynamodb", environment))
    secrets_manager = SecretsManager(Service("secretsmanager", environment))
    return KeyJobs(table, Deliveries(secrets_manager, own.stage, own.rotation_function))


def handler(_event: dict[str, Any], context: Any) -> dict[str, int]:
    """One slice of each job, oldest first: how many were worked on, and how many met a fault, which is raised in the
    end; it keeps no other waiting."""

    def more() -> bool:
        in_time: bool = context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS
        return in_time and time.monotonic() < ends

    worked = failed = 0
    for entry in listings.walk(key_jobs().table, key_job_records.OPEN, time.time_ns() // 1000):
        ends, job = time.monotonic() + SLICE_SECONDS, entry["pk"].removeprefix("JOB#")
        try:
            worked += key_jobs().run(job, more)
        except (Unavailable, AwsError) as error:
            failed += 1
            telemetry.count("Fault", dimensions={"Function": "key_jobs"}, job=job, cause=str(error))
    if failed:
        raise Unavailable(f"{failed} key jobs could not go on")
    return {"worked": worked, "failed": failed}
