"""Resource types that only observe: accepted, with nothing behind them.

Symptom mended: deployment stops at `Unsupported resource type` for logging settings that do not change an answer.
"""

from typing import Any

from local.emulator.hooks import module, resource_handlers

TYPES = ("AWS::WAFv2::LoggingConfiguration", "AWS::CloudWatch::CompositeAlarm", "AWS::Logs::QueryDefinition")


def mend() -> None:
    handlers = resource_handlers()
    for resource_type in TYPES:
        handlers.setdefault(resource_type, {"create": _create, "update": _update, "delete": _delete})


def _create(logical_id: str, _properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
    return module("services.cloudformation.provisioners")._physical_name(stack, logical_id), {}


def _update(physical_id: str, _old: dict[str, Any], _new: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
    return physical_id, {}


def _delete(_physical_id: str, _properties: dict[str, Any]) -> None:
    """Nothing was made, so there is nothing to remove."""
