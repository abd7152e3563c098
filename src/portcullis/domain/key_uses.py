"""Uses of keys: which of them are worth remembering, so that the last one is known without a write for each."""

from dataclasses import dataclass
from typing import Any

from portcullis.domain.times import SECOND, rfc3339

INTERVAL = 60 * SECOND
MAX_ADDRESSES = 8
MAX_KEYS = 4096


@dataclass(frozen=True, slots=True)
class Use:
    """A verified request: when it came (microseconds), and from which source address."""

    at: int
    ip: str


class Sampler:
    """One process's choice: for each key and address one use in a minute, so that a new address shows at once.

    At most MAX_ADDRESSES in a minute for one key: whoever holds a key and sends from ever new addresses writes no
    more than that. The keys are bounded too; the one that was sampled longest ago is forgotten first.
    """

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        self._sampled: dict[str, dict[str, int]] = {}

    def is_due(self, key_id: str, use: Use) -> bool:
        """Whether ``use`` is to be remembered."""
        recent = self._recent(key_id, use.at)
        return use.ip not in recent and len(recent) < MAX_ADDRESSES

    def record(self, key_id: str, use: Use) -> None:
        """``use`` has been remembered."""
        recent = self._recent(key_id, use.at)
        self._sampled.pop(key_id, None)
        while len(self._sampled) >= self._max_keys:
            del self._sampled[next(iter(self._sampled))]
        self._sampled[key_id] = {**recent, use.ip: use.at}

    def _recent(self, key_id: str, now: int) -> dict[str, int]:
        """Addresses of the last minute. What lies ahead, after the clock was set back, would block for as long."""
        sampled = self._sampled.get(key_id, {})
        return {ip: at for ip, at in sampled.items() if 0 <= now - at < INTERVAL}


def describe(use: Use) -> dict[str, Any]:
    """A use's public form."""
    return {"at": rfc3339(use.at), "ip": use.ip}
