"""Where an agent calls from: the addresses that it has used, sixteen of them in 353 bytes.

An address is known when the agent has used it regularly without being flagged, or used it on its first day. Digests
stand for addresses: what is stored tells nobody where an agent runs.
"""

import hashlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from zlib import crc32

from portcullis.domain.detection.networks import network_of

SLOTS = 16
POOL = 4
"""So many known addresses in one network make it a pool, in which another address is no news."""
ROAMING = 6
"""An agent that has used so many networks has no fixed address: where it calls from says nothing of it."""
HOUR, DAY = 3_600, 86_400
FORGOTTEN, RECENT = 90 * DAY, 7 * DAY
STEP = 8 * HOUR
KNOWN = 4
"""A use in each of so many steps from the first one on."""
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_PLACE = struct.Struct("<II2sHIIBB")
SIZE = 1 + SLOTS * _PLACE.size


@dataclass(frozen=True, slots=True)
class Source:
    """Where one request came from and under which key. An IPv6 address is its /64, its network the /48; /24 of IPv4."""

    network: int
    host: int
    country: str
    key: int


@dataclass(slots=True)
class Place:
    """An address in use; ``country`` is empty where none is known. ``first`` and ``last`` are seconds.

    ``standing`` counts the steps of its probation, ``returns`` how often its key came back to it from a known network.
    """

    network: int
    host: int
    country: str
    key: int
    first: int
    last: int
    standing: int = 0
    returns: int = 0

    @property
    def is_known(self) -> bool:
        """Whether the agent's use of it is usual."""
        return self.standing >= KNOWN


@dataclass(slots=True)
class Places:
    """The addresses of one agent, in no order. It was seen to work from ``width`` known networks within one hour."""

    places: list[Place] = field(default_factory=list)
    width: int = 1

    def __iter__(self) -> Iterator[Place]:
        return iter(self.places)

    def find(self, source: Source, now: int) -> Place | None:
        """The one that a request came from; the latest of its network where that is a pool. 90 days without a use make
        an address unknown."""
        found = self._find(source)
        return None if found is None or now - found.last > FORGOTTEN else found

    def knows_network(self, network: int) -> bool:
        """Whether an address of it is known."""
        return any(place.network == network and place.is_known for place in self.places)

    def elsewhere(self, source: Source, since: int) -> Place | None:
        """The known place in another country that was used last, ``since`` then; None if this country is known too."""
        named = [place for place in self.places if place.is_known and place.country]
        if not source.country or any(place.country == source.country for place in named):
            return None
        lately = (place for place in named if place.last >= since)
        return max(lately, key=lambda place: place.last, default=None)

    def is_roaming(self, now: int) -> bool:
        """Whether it has no fixed address. Only networks count that were first used a day ago or earlier, unflagged."""
        used = {place.network for place in self.places if place.standing and place.first <= now - DAY}
        return len(used) >= ROAMING

    def used_since(self, source: Source, here: Place, now: int) -> bool:
        """Whether the same key was used in a known place after its last use ``here``, in a network that is not known.

        Not if fewer known networks are in use than usual: then ``here`` has replaced one of them.
        """
        if self.knows_network(here.network) or len(self._networks(now - HOUR)) < self._usual_width(now):
            return False
        return any(place.is_known and place.key == source.key and place.last > here.last for place in self.places)

    def learn(self, source: Source, now: int, *, known: bool, flagged: bool) -> None:
        """Note a use of it. A flagged one starts the probation of an address that is not known anew."""
        self.places = [place for place in self.places if now - place.last <= FORGOTTEN]
        here = self._find(source) or self._add(source, now)
        self._count_return(source, here, now)
        if now >= here.last:
            here.last, here.key, here.country = now, source.key, source.country or here.country
        if here.is_known:
            self.width = max(self.width, len(self._networks(now - HOUR)))
        elif flagged:
            here.first, here.standing = max(here.first, now), 0
        elif known:
            here.standing = KNOWN
        elif now - here.first >= here.standing * STEP:
            here.standing += 1

    def trust(self, source: Source, now: int) -> None:
        """Make it known at once."""
        here = self._find(source) or self._add(source, now)
        here.standing = KNOWN

    def _find(self, source: Source) -> Place | None:
        for place in self.places:
            if place.host == source.host and place.network == source.network:
                return place
        near = [place for place in self.places if place.network == source.network]
        is_pool = sum(place.is_known for place in near) >= POOL
        return max(near, key=lambda place: place.last) if is_pool else None

    def _networks(self, since: int) -> set[int]:
        return {place.network for place in self.places if place.is_known and place.last >= since}

    def _usual_width(self, now: int) -> int:
        """As many as the week has seen at most: a fleet may have shrunk."""
        return min(self.width, len(self._networks(now - RECENT)))

    def _count_return(self, source: Source, here: Place, now: int) -> None:
        if now - here.last > HOUR:
            here.returns = 0
        elif now >= here.last and not here.is_known and self.used_since(source, here, now):
            here.returns = min(here.returns + 1, 255)

    def _add(self, source: Source, now: int) -> Place:
        """One more, for which the oldest goes where there is no room: one that is not known, if there is any."""
        if len(self.places) >= SLOTS:
            self.places.remove(min(self.places, key=lambda place: (place.is_known, place.last)))
        place = Place(source.network, source.host, source.country, source.key, now, now)
        self.places.append(place)
        return place

    def pack(self) -> bytes:
        """As many bytes as ``SIZE`` says."""
        packed = bytes([self.width]) + b"".join(_pack(place) for place in self.places)
        return packed.ljust(SIZE, b"\0")

    @classmethod
    def unpack(cls, data: bytes) -> "Places":
        """What `pack` made."""
        return cls([place for place in map(_unpack, _PLACE.iter_unpack(data[1:])) if place.last], data[0])


@lru_cache(maxsize=1024)
def source_of(ip: str, country: str | None, key: str) -> Source:
    """What is kept of a request's address, country and key id."""
    source = network_of(ip)
    if source is None:
        network = host = ip.encode()
    else:
        wide, packed = source.version == 6, source.network_address.packed
        network, host = packed[: 6 if wide else 3], packed[: 8 if wide else 4]
    named = country if country and _COUNTRY.fullmatch(country) else ""
    return Source(_digest(network), _digest(host), named, crc32(key.encode()) & 0xFFFF)


def _digest(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2s(data, digest_size=4).digest(), "big")


def _pack(place: Place) -> bytes:
    country, dates = place.country.encode(), (place.first, place.last)
    return _PLACE.pack(place.network, place.host, country, place.key, *dates, place.standing, place.returns)


def _unpack(fields: tuple[int, int, bytes, int, int, int, int, int]) -> Place:
    network, host, country, *rest = fields
    return Place(network, host, country.rstrip(b"\0").decode(), *rest)
