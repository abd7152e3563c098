"""The two IP sets of the firewall, which hold the blocked addresses: one of IPv4, one of IPv6."""

import ipaddress
from collections.abc import Callable, Iterable

from portcullis.aws.wire import AwsError, Service, Unavailable

ATTEMPTS = 5


class Firewall:
    """``arns`` are those of the two sets, IPv4 first."""

    def __init__(self, service: Service, arns: tuple[str, str]) -> None:
        self._service = service
        self._arns = arns

    def hold(self, wanted: Callable[[], Iterable[str]]) -> None:
        """Make the sets hold exactly the ``wanted`` addresses and networks.

        What is wanted is read between the lock tokens and the updates, so nothing older replaces what another process
        has put there meanwhile. Raises Unavailable when others are in the way again and again.
        """
        for _ in range(ATTEMPTS):
            held = [self._read(arn) for arn in self._arns]
            sorted_out: tuple[set[str], set[str]] = (set(), set())
            for network in map(ipaddress.ip_network, wanted()):
                sorted_out[network.version == 6].add(str(network))
            try:
                for arn, (token, addresses), each in zip(self._arns, held, sorted_out, strict=True):
                    if addresses != each:
                        self._update(arn, token, each)
            except AwsError as error:
                if error.code != "WAFOptimisticLockException":
                    raise
            else:
                return
        raise Unavailable("wafv2: the IP sets are contended")

    def _read(self, arn: str) -> tuple[str, set[str]]:
        """The lock token, and the addresses as WAF writes them, made comparable."""
        answer = self._service.json_call("AWSWAF_20190729.GetIPSet", "1.1", _named(arn))
        return answer["LockToken"], {str(ipaddress.ip_network(text)) for text in answer["IPSet"]["Addresses"]}

    def _update(self, arn: str, token: str, addresses: set[str]) -> None:
        request = {**_named(arn), "Addresses": sorted(addresses), "LockToken": token}
        self._service.json_call("AWSWAF_20190729.UpdateIPSet", "1.1", request)


def _named(arn: str) -> dict[str, str]:
    name, identifier = arn.split("/")[-2:]
    return {"Name": name, "Scope": "REGIONAL", "Id": identifier}
