"""EventBridge rules that write to a log group.

Symptom mended: `unsupported target type` in the emulator's log, and the event is nowhere to be found.
"""

import json
import time
import uuid
from typing import Any

from local.emulator.hooks import module, replace


def mend() -> None:
    buses = module("services.eventbridge")

    def invoke_target(original: Any) -> Any:
        def invoke(target: dict[str, Any], event: Any, rule: Any, view: Any = None) -> None:
            arn = target.get("Arn", "")
            if ":logs:" not in arn:
                original(target, event, rule, view)
                return
            tree = (view or buses._pattern_event_view(event)).event_with_detail()
            write(arn.split(":log-group:")[1].removesuffix(":*"), json.dumps(tree))

        return invoke

    replace(buses, "_invoke_target", invoke_target)


def write(group: str, message: str) -> None:
    """Append one event to a log group, in a stream of its own as EventBridge does."""
    logs = module("services.cloudwatch_logs")
    stream = str(uuid.uuid4())
    entry = {"timestamp": int(time.time() * 1000), "message": message}
    logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": [entry]})
