"""Events held against the schemas that consumers are given: `docs/events/v1`."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator

FOLDER = Path(__file__).parents[1] / "docs/events/v1"


@cache
def _validator(type_: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((FOLDER / f"{type_}.json").read_text()), validate_formats=True)


def faults(event: dict[str, Any]) -> list[str]:
    """Where an event is not as the schema of its type says."""
    found = _validator(event["type"]).iter_errors(event)
    return [f"{event['type']} {'/'.join(map(str, error.instance_path))}: {error.message}" for error in found]
