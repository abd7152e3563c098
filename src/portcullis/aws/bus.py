"""The stage's event bus, for what does not come through the outbox's pipe."""

import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from portcullis.aws.wire import Service, Unavailable
from portcullis.domain.events import SOURCE

MOST_ENTRIES = 10
"""That one PutEvents takes."""
ATTEMPTS = 5
_BACKOFF_SECONDS = 0.1


class Bus:
    """Puts envelopes on the bus in the form that the pipe gives them. One that is put twice is delivered twice, which
    consumers know how to take."""

    def __init__(self, name: str, service: Service, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._name = name
        self._service = service
        self._sleep = sleep

    def put(self, events: Sequence[dict[str, Any]]) -> None:
        """Put all of them. Raises Unavailable when some were refused again and again; others may have been put."""
        for start in range(0, len(events), MOST_ENTRIES):
            self._put([entry(self._name, event) for event in events[start : start + MOST_ENTRIES]])

    def _put(self, entries: list[dict[str, str]]) -> None:
        """Entries are refused one by one within a successful call."""
        codes: set[str] = set()
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(random.uniform(0, _BACKOFF_SECONDS * 2**attempt))  # noqa: S311 jitter, not a secret
            results = self._service.json_call("AWSEvents.PutEvents", "1.1", {"Entries": entries})["Entries"]
            codes = {result["ErrorCode"] for result in results if "ErrorCode" in result}
            entries = [entry for entry, result in zip(entries, results, strict=True) if "ErrorCode" in result]
            if not entries:
                return
        raise Unavailable(f"the bus refused {len(entries)} events: {', '.join(sorted(codes))}")


def entry(bus: str, event: dict[str, Any]) -> dict[str, str]:
    """An envelope as PutEvents takes it."""
    return {
        "EventBusName": bus,
        "Source": SOURCE,
        "DetailType": event["type"],
        "Detail": json.dumps(event, separators=(",", ":")),
    }
