"""Writes down at the incident what became of a step of its containment."""

import time
from functools import cache
from typing import Any

from portcullis.aws import incidents, settings, telemetry
from portcullis.aws.changes import Actor
from portcullis.aws.dynamo import Table
from portcullis.aws.wire import Service
from portcullis.domain.incidents import DONE, FAILED
from portcullis.domain.step_outcomes import failure, success

SELF = {"Function": "incident_record"}


@cache
def table() -> Table:
    """The table of this process."""
    return Table(settings.containment_step().core_table, Service("dynamodb", settings.aws()))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """``outcome`` is the step's ``result``, or the ``error`` that Step Functions caught, with what came before it."""
    outcome, step = event["outcome"], event["step"]
    failed = "error" in outcome
    result = failure(outcome["error"]) if failed else success(outcome["result"])
    actor = Actor("gateway", "", time.time_ns() // 1000)
    state = FAILED if failed else DONE
    if incidents.record_step(table(), actor, event["incident"], step, state, result) is None:
        raise KeyError(f"no incident {event['incident']}")
    telemetry.count("StepFailed" if failed else "StepDone", dimensions=SELF, step=step, incident=event["incident"])
    return {}
