"""One structured log line per request that is also a metric (CloudWatch Embedded Metric Format, EMF)."""

import json
import time
from typing import Any

NAMESPACE = "Portcullis"


def count(metric: str, occurrences: int = 1, *, dimensions: dict[str, str], **fields: Any) -> None:
    """Print occurrences of ``metric``. ``fields`` are logged, not measured; none may hold a secret or a body."""
    _print(metric, occurrences, "Count", dimensions, fields)


def milliseconds(metric: str, value: int, *, dimensions: dict[str, str], **fields: Any) -> None:
    """Print how long something took, as `count` prints that it happened."""
    _print(metric, value, "Milliseconds", dimensions, fields)


def _print(metric: str, value: int, unit: str, dimensions: dict[str, str], fields: dict[str, Any]) -> None:
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": metric, "Unit": unit}],
    }
    envelope = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    print(json.dumps({"_aws": envelope, metric: value, **dimensions, **fields}, separators=(",", ":")))
