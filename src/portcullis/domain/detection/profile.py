"""What is remembered of one agent between two batches of its requests, in less than two kilobytes.

| bytes | what |
|---|---|
| 1 | version of the format |
| 4 | lengths of the two parts that follow |
| <= 1,000 | behaviour: what its payments are like, for the joint detector |
| <= 520 | conduct: addresses, windows and runs, for the rules |
| 33 | the finding that is open: its id and the instant of the last request in it; zeros where there is none |
| <= 541 | the events seen last |
"""

import struct
from dataclasses import dataclass

from portcullis.domain.detection.behaviour import Behaviour
from portcullis.domain.detection.conduct import Conduct
from portcullis.domain.detection.recent import Recent

VERSION = 1
MAX_BYTES = 2_048
_HEAD = struct.Struct("<BHH")
_EPISODE = struct.Struct("<25sq")


class UnknownProfile(ValueError):
    """Bytes that this version of the product cannot read; the message says what they are."""


@dataclass(frozen=True, slots=True)
class Episode:
    """The finding that unusual requests join, and when the last one did, in microseconds."""

    finding: str
    last_at: int


@dataclass(slots=True)
class Profile:
    """Of one agent. Its parts are changed in place while a batch is judged."""

    behaviour: Behaviour
    conduct: Conduct
    recent: Recent
    episode: Episode | None = None

    @classmethod
    def new(cls, salt: bytes) -> "Profile":
        """Nothing known yet; ``salt`` are `recent.SALT_BYTES` random bytes."""
        return cls(Behaviour.new(), Conduct.new(), Recent(salt))

    def forgotten(self) -> "Profile":
        """Nothing known any more, except which events were seen: they shall not teach a second time."""
        return Profile(Behaviour.new(), Conduct.new(), self.recent)

    def pack(self) -> bytes:
        """Less than ``MAX_BYTES``."""
        behaviour, conduct = self.behaviour.pack(), self.conduct.pack()
        episode = self.episode or _NONE
        head = _HEAD.pack(VERSION, len(behaviour), len(conduct))
        tail = _EPISODE.pack(episode.finding.encode(), episode.last_at)
        return b"".join((head, behaviour, conduct, tail, self.recent.pack()))

    @classmethod
    def unpack(cls, data: bytes) -> "Profile":
        """The inverse of pack. Raises UnknownProfile where the format is a later one, or none."""
        parse = _FORMATS.get(data[0] if data else 0)
        if parse is None:
            raise UnknownProfile(f"profile format {data[:1].hex() or 'none'} is not known here; it may be a later one")
        try:
            return parse(data)
        except (struct.error, IndexError, ValueError) as error:
            raise UnknownProfile(f"not a profile of format {data[0]}: {error}") from error


def _parse(data: bytes) -> Profile:
    _, behaviour_length, conduct_length = _HEAD.unpack_from(data)
    conduct_at = _HEAD.size + behaviour_length
    episode_at = conduct_at + conduct_length
    finding, last_at = _EPISODE.unpack_from(data, episode_at)
    name = finding.rstrip(b"\0").decode()
    return Profile(
        Behaviour.unpack(data[_HEAD.size : conduct_at]),
        Conduct.unpack(data[conduct_at:episode_at]),
        Recent.unpack(data[episode_at + _EPISODE.size :]),
        Episode(name, last_at) if name else None,
    )


_NONE = Episode("", 0)
_FORMATS = {VERSION: _parse}
"""How each format is read, the older ones into what is written today."""
