"""One structured log line per request that is also a metric (CloudWatch Embedded Metric Format, EMF)."""

import json
import time
from typing import Any

NAMESPACE = "Portcullis"


def count(metric: str, *, dimensions: dict[str, str], **fields: Any) -> None:
    """Print one occurrence of ``metric``. ``fields`` are logged, not measured; none may hold a secret or a body."""
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": metric, "Unit": "Count"}],
    }
    envelope = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    print(json.dumps({"_aws": envelope, metric: 1, **dimensions, **fields}, separators=(",", ":")))
