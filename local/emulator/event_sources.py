"""The IAM condition key `events:source`.

Symptom mended: the key is never filled, so a role that may put the events of one source may put none, or those of any.
"""

import json
from typing import Any

from local.emulator.hooks import module, replace

KEY = "events:source"


class BusArn(str):
    """The ARN of a bus that also carries the sources of a call's events to `enforce`."""

    sources: list[str]


def mend() -> None:
    def resource_arns(original: Any) -> Any:
        def find(body: bytes, region: str, account: str) -> list[BusArn]:
            return [_with_sources(arn, body) for arn in original(body, region, account)]

        return find

    def enforce(original: Any) -> Any:
        def check(*args: Any, **named: Any) -> Any:
            arn = named.get("resource_arn")
            if isinstance(arn, BusArn):
                named["service_context"] = {**(named.get("service_context") or {}), KEY: arn.sources}
            return original(*args, **named)

        return check

    replace(module("core.iam_actions"), "eventbridge_resource_arns", resource_arns)
    replace(module("core.iam_evaluator"), "enforce", enforce)


def _with_sources(arn: str, body: bytes) -> BusArn:
    """Called with bodies that name a bus, so that they hold entries."""
    found = BusArn(arn)
    found.sources = [str(entry.get("Source", "")) for entry in json.loads(body)["Entries"] if isinstance(entry, dict)]
    return found
