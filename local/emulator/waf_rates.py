"""WAF's rate rules: how many requests with the same key came in within the window."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from local.emulator.waf_request import Inspected, field_values, transformed

Key = tuple[str, ...]


class RateCounter:
    """Counts requests per rule and key over a sliding window; safe to call from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[Key, deque[float]] = {}

    def exceeded(self, key: Key, limit: int, window: float) -> bool:
        """Count one request and tell whether its key is above the limit."""
        now = self._clock()
        with self._lock:
            seen = self._seen.setdefault(key, deque(maxlen=limit + 1))
            while seen and seen[0] <= now - window:
                seen.popleft()
            seen.append(now)
            return len(seen) > limit


def aggregation_key(request: Inspected, statement: Mapping[str, Any]) -> Key | None:
    """What a rate rule counts by; None when the request lacks a part of it, and then it is not counted."""
    if statement.get("AggregateKeyType", "IP") != "CUSTOM_KEYS":
        return (request.address,)
    parts = [_part(request, key) for key in statement["CustomKeys"]]
    return None if None in parts else tuple(part for part in parts if part is not None)


def _part(request: Inspected, key: Mapping[str, Any]) -> str | None:
    if "IP" in key or "ForwardedIP" in key:
        return request.address
    if "HTTPMethod" in key:
        return request.method
    (kind, options), *_ = key.items()
    field = {"Header": "SingleHeader", "QueryArgument": "SingleQueryArgument"}.get(kind, kind)
    values = field_values(request, {field: options})
    if not values:
        return None
    return transformed(b",".join(values), options.get("TextTransformations") or []).decode("latin-1")
