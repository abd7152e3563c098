"""What an incident keeps of a step's outcome: small, on one line, without anything that looks like a secret."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

MOST_RESULT = 2_048
MOST_NAME, MOST_CAUSE = 100, 600
_SECRET = re.compile(r"sk_\w+|[A-Za-z0-9+/=]{40,}", re.ASCII)
"""An agent's secret, and whatever is as long as a key or a token."""


def success(result: Any) -> dict[str, Any]:
    """What a step says that it did; ValueError where that is no small object."""
    if not isinstance(result, dict) or len(json.dumps(result)) > MOST_RESULT:
        raise ValueError(f"a step's result is an object of at most {MOST_RESULT} characters")
    return result


def failure(error: Mapping[str, Any]) -> dict[str, str]:
    """The ``Error`` and ``Cause`` of Step Functions in words. The cause that a function gives is JSON."""
    cause = str(error.get("Cause", ""))
    with suppress(ValueError, KeyError, TypeError, RecursionError):  # what Step Functions itself says is no JSON
        cause = str(json.loads(cause)["errorMessage"])
    return {"error": _plain(str(error.get("Error", "")), MOST_NAME), "cause": _plain(cause, MOST_CAUSE)}


def _plain(text: str, most: int) -> str:
    shown = "".join(each if each.isprintable() else " " for each in text[: 10 * most])
    return _SECRET.sub("(left out)", " ".join(shown.split()))[:most]
