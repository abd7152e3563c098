"""Pipes from a table's stream to an event bus.

Symptom mended: a pipe whose target is an event bus holds its records for ever; nothing is filtered, enriched, retried
or given up to a dead-letter queue. A pipe that was stopped when the emulator restarted never runs again.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from local.emulator.hooks import module, replace
from local.emulator.pipe_steps import DeliveryFailed, Pipe, Records, dead_letter, enriched, filtered, publish
from local.emulator.service_role import NotPermitted, require

logger = logging.getLogger("pipes")
POLL_SECONDS = 0.1
LONGEST_PAUSE = 2.0


def mend() -> None:
    pipes = module("services.pipes")
    delivery = Delivery(pipes._positions)

    def poll_pipe(original: Any) -> Any:
        def poll(dynamodb: Any, pipe: Pipe, account: str) -> None:
            if pipes._arn_service(pipe["Target"]) != "events":
                original(dynamodb, pipe, account)
            elif pipe.get("CurrentState") == "RUNNING":
                delivery.poll(dynamodb, pipe, account)

        return poll

    def poll_loop(_original: Any) -> Any:
        def loop() -> None:
            while True:
                try:
                    pipes._poll_once()
                except Exception:
                    logger.exception("polling pipes failed")
                time.sleep(POLL_SECONDS)

        return loop

    replace(pipes, "_poll_pipe", poll_pipe)
    replace(pipes, "_poll_loop", poll_loop)
    pipes._ensure_poller()


class Delivery:
    """Moves each pipe's position over its stream; a position only passes what was delivered or given up."""

    def __init__(self, positions: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._positions = positions
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    def poll(self, dynamodb: Any, pipe: Pipe, account: str) -> None:
        """Deliver at most one batch of one pipe."""
        arn = pipe["Arn"]
        if self._clock() < self._not_before.get(arn, 0):
            return
        region, table = pipe["Source"].split(":")[3], pipe["Source"].split("/")[1]
        scope = {"account_id": account, "region": region}
        position = max(int(self._positions.get(arn, 0)), dynamodb.stream_start_position(table, **scope))
        parameters = (pipe.get("SourceParameters") or {}).get("DynamoDBStreamParameters") or {}
        batch = dynamodb.stream_records_since(table, position, int(parameters.get("BatchSize", 100)), **scope)
        if batch:
            self._positions[arn] = position + self._deliver(pipe, batch, region, parameters)

    def _deliver(self, pipe: Pipe, batch: Records, region: str, parameters: dict[str, Any]) -> int:
        """How many records of the batch are dealt with."""
        arn = pipe["Arn"]
        try:
            _send(pipe, batch, region)
        except (DeliveryFailed, NotPermitted) as failure:
            failures = self._failures[arn] = self._failures.get(arn, 0) + 1
            logger.warning("pipe %s, attempt %d: %s", pipe["Name"], failures, failure)
            most = int(parameters.get("MaximumRetryAttempts", -1))
            if most < 0 or failures <= most:
                self._not_before[arn] = self._clock() + min(POLL_SECONDS * 2 ** min(failures, 16), LONGEST_PAUSE)
                return 0
            _give_up(pipe, batch, region, bisect="OnPartialBatchItemFailure" in parameters)
        self._failures.pop(arn, None)
        return len(batch)


def _send(pipe: Pipe, batch: Records, region: str) -> None:
    require(pipe["RoleArn"], "dynamodb:GetRecords", pipe["Source"], region)
    records = filtered(pipe, batch)
    events = enriched(pipe, records, region) if records else []
    if events:
        publish(pipe, events, region)


def _give_up(pipe: Pipe, batch: Records, region: str, bisect: bool) -> None:
    """Send what still can be sent when the pipe bisects; the rest goes to the dead-letter queue."""
    if bisect and len(batch) > 1:
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            try:
                _send(pipe, half, region)
            except (DeliveryFailed, NotPermitted):
                _give_up(pipe, half, region, bisect)
        return
    try:
        dead_letter(pipe, batch, region, "the batch could not be delivered")
    except (DeliveryFailed, NotPermitted) as failure:
        logger.warning("pipe %s lost %d records: %s", pipe["Name"], len(batch), failure)
