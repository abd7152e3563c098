"""Tells the bus of answered requests. No answer waits for it for long, and none is changed by it."""

import secrets
from typing import Any

from portcullis.aws import telemetry
from portcullis.aws.bus import entry
from portcullis.aws.settings import AwsEnvironment
from portcullis.aws.wire import AwsError, Service, Unavailable
from portcullis.domain.request_sums import Answered, RequestSums

ATTEMPTS = 2
"""The first may meet a connection that the service has closed since the last call."""
TIMEOUT_SECONDS = 0.5


class Teller:
    """What one process tells of its requests, and the ``bus`` it tells. ``function`` names it in metrics."""

    def __init__(self, environment: AwsEnvironment, bus: str, function: str) -> None:
        self._service = Service("events", environment, attempts=ATTEMPTS, timeout_seconds=TIMEOUT_SECONDS)
        self._bus = bus
        self._function = function
        self._sums = RequestSums()

    def count(self, answered: Answered, now: int) -> None:
        """Have it told in a sum."""
        self._sums.add(answered, now)

    def tell(self, answered: Answered, now: int) -> None:
        """Have it told in an event of its own."""
        self._sums.add_single(answered, now, _token())

    def flush(self, now: int) -> None:
        """Tell what it is time to tell. What the bus does not take is kept for the next time."""
        batch = self._sums.batch(now, _token)
        if batch:
            self._sums.told(self._put(batch), now)

    def _put(self, batch: list[dict[str, Any]]) -> set[str]:
        """The ids of the events that the bus has taken."""
        try:
            entries = [entry(self._bus, event) for event in batch]
            answer = self._service.json_call("AWSEvents.PutEvents", "1.1", {"Entries": entries})
        except (Unavailable, AwsError) as error:
            cause, results = str(error), []
        else:
            results = answer.get("Entries", [])
            cause = next((result["ErrorCode"] for result in results if result.get("ErrorCode")), "")
        told = {event["id"] for event, result in zip(batch, results, strict=False) if not result.get("ErrorCode")}
        if len(told) < len(batch):
            untold = len(batch) - len(told)
            telemetry.count("RequestsUntold", dimensions={"Function": self._function}, events=untold, cause=cause)
        return told


def _token() -> str:
    return secrets.token_urlsafe(16)
