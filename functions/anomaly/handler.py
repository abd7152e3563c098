"""The anomaly function: judges what agents do, as the bus tells of it, and opens findings."""

import time
from collections import defaultdict
from contextlib import suppress
from functools import cache
from typing import Any

from portcullis.aws import bus_messages, settings, telemetry
from portcullis.aws.anomaly import Anomaly
from portcullis.aws.wire import AwsError, Unavailable
from portcullis.domain.detection.observations import Observation, observe

SELF = {"Function": "anomaly"}
FAULTS = (Unavailable, AwsError, ArithmeticError, ValueError)
"""Of one agent's requests. A profile that cannot be read, and what arithmetic cannot take, are among the last two."""


@cache
def anomaly() -> Anomaly:
    """What this process knows."""
    return Anomaly(settings.anomaly(), settings.aws())


def handler(batch: dict[str, Any], _context: object) -> dict[str, Any]:
    """SQS messages in, those to try again out: all of an agent's, or none."""
    by_agent: dict[str, list[tuple[dict[str, Any], Observation]]] = defaultdict(list)
    for message in batch["Records"]:
        observation = bus_messages.read(message["body"], "anomaly", observe)
        if observation is not None:
            by_agent[observation.agent].append((message, observation))
    failed = [message for agent, group in by_agent.items() if not _judge(agent, group) for message, _ in group]
    with suppress(Unavailable, AwsError):  # what was learnt stays gathered for the next time
        anomaly().populations.flush()
    return {"batchItemFailures": [{"itemIdentifier": message["messageId"]} for message in failed]}


def _judge(agent: str, group: list[tuple[dict[str, Any], Observation]]) -> bool:
    try:
        watched = anomaly().judge(agent, [observation for _, observation in group])
    except FAULTS as fault:
        telemetry.count("Fault", dimensions=SELF, cause=f"{type(fault).__name__}: {fault}", agent=agent)
        return False
    waited = time.time_ns() // 1_000_000 - min(int(message["attributes"]["SentTimestamp"]) for message, _ in group)
    told = {"judged": watched.judged, "late": watched.late, "finding": watched.finding and watched.finding.id}
    telemetry.milliseconds("DetectionLag", max(waited, 0), dimensions=SELF, agent=agent, **told)
    return True
