"""How a mend replaces a function of the emulator or extends what happens when a resource is deployed."""

import json
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

Provision = Callable[[str, dict[str, Any], dict[str, Any]], None]


def module(name: str) -> ModuleType:
    """A module of the emulator, whose attributes are untyped."""
    return import_module(f"ministack.{name}")


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put `make(original)` in the place of `owner.name`, which must exist."""
    setattr(owner, name, make(getattr(owner, name)))


def resource_handlers() -> dict[str, dict[str, Any]]:
    """The emulator's table from a CloudFormation type to its create, update and delete functions."""
    handlers: dict[str, dict[str, Any]] = module("services.cloudformation.provisioners")._RESOURCE_HANDLERS
    return handlers


def after_deploy(resource_type: str, apply: Provision) -> None:
    """Call `apply(physical_id, attributes, properties)` after each create and update of a type."""
    handler = resource_handlers()[resource_type]
    create, update = handler["create"], handler["update"]

    def created(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        physical_id, attributes = create(logical_id, properties, stack)
        apply(physical_id, attributes, properties)
        return physical_id, attributes

    def updated(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, *more: Any, **named: Any
    ) -> tuple[str, dict[str, Any]]:
        physical_id, attributes = update(physical_id, old, new, stack, *more, **named)
        apply(physical_id, attributes, new)
        return physical_id, attributes

    handler.update(create=created, update=updated)


def as_object(body: bytes) -> dict[str, Any]:
    """A request's body as JSON; empty when it is no object."""
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def is_true(value: Any) -> bool:
    """CloudFormation sends booleans as booleans or as the strings `true` and `false`."""
    return str(value).lower() == "true"
