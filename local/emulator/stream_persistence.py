"""Stream records that outlive a restart.

Symptom mended: consumers' positions are saved and the records they point into are not, so after a restart a consumer
waits at a position that new records reach only much later, and unread records are lost.
"""

import copy
from typing import Any

from local.emulator.hooks import module, replace


def mend() -> None:
    dynamodb = module("services.dynamodb")

    def get_state(original: Any) -> Any:
        def state() -> dict[str, Any]:
            return {
                **original(),
                "stream_records": copy.deepcopy(dynamodb._stream_records),
                "stream_trimmed": copy.deepcopy(dynamodb._stream_trimmed),
            }

        return state

    def load(original: Any) -> Any:
        def restore(data: dict[str, Any]) -> None:
            original(data)
            dynamodb._stream_records.update(data.get("stream_records") or {})
            dynamodb._stream_trimmed.update(data.get("stream_trimmed") or {})

        return restore

    replace(dynamodb, "get_state", get_state)
    replace(dynamodb, "load_persisted_state", load)
