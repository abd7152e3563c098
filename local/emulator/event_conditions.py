"""The IAM condition keys `events:source` and `events:detail-type`.

Symptom mended: the keys are never filled, so a role that may put events of one type could put none.
"""

from typing import Any

from local.emulator.hooks import as_object, module, replace

KEYS = {"events:source": "Source", "events:detail-type": "DetailType"}


def mend() -> None:
    def request_context(original: Any) -> Any:
        def build(service: str, action: str, body: bytes, parameters: Any) -> dict[str, Any]:
            context: dict[str, Any] = original(service, action, body, parameters)
            return context | conditions(body) if action == "events:PutEvents" else context

        return build

    replace(module("core.iam_actions"), "request_tag_context", request_context)


def conditions(body: bytes) -> dict[str, list[str]]:
    """What the entries of a PutEvents name, of each key that all of them have."""
    entries = as_object(body).get("Entries") or []
    return {
        key: [entry[member] for entry in entries]
        for key, member in KEYS.items()
        if entries and all(isinstance(entry, dict) and entry.get(member) for entry in entries)
    }
