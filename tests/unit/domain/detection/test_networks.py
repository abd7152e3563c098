"""What counts as one source, and what is never blocked."""

import pytest

from portcullis.domain.detection.networks import is_spared, name_of, network_of, parse_networks


@pytest.mark.parametrize(
    ("ip", "name"),
    [
        ("198.51.100.9", "198.51.100.9"),
        ("::ffff:198.51.100.9", "198.51.100.9"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
    ],
)
def test_a_source_is_an_ipv4_address_or_a_64(ip: str, name: str) -> None:
    network = network_of(ip)
    assert network is not None
    assert name_of(network) == name


def test_what_is_never_blocked_spares_all_that_overlaps() -> None:
    never = parse_networks(["198.51.100.0/24", "2001:db8::1/128"])
    for ip, spared in (("198.51.100.9", True), ("198.51.101.9", False), ("2001:db8::9", True), ("2001:db9::", False)):
        network = network_of(ip)
        assert network is not None
        assert is_spared(network, never) is spared
