"""What stands for one source address: an IPv4 address, or the /64 of an IPv6 one."""

import ipaddress
from collections.abc import Iterable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network_of(ip: str) -> Network | None:
    """The source that an address belongs to; None for what is no address."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return ipaddress.ip_network((address, 64), strict=False)
    return ipaddress.ip_network(getattr(address, "ipv4_mapped", None) or address)


def name_of(network: Network) -> str:
    """An IPv4 address by itself, or a /64."""
    return str(network).removesuffix("/32") if network.version == 4 else str(network)


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks that are never blocked; ValueError for what is none."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def is_spared(address: Network, never: Sequence[Network]) -> bool:
    """Whether a block of it would hit one that is never blocked."""
    return any(address.version == one.version and address.overlaps(one) for one in never)
