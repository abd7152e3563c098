"""Tests reach no network. Those that talk to a gateway on this machine may reach this machine.

With several processes (``make test``) tests that share something dear, such as a deployment, stay in one of them.
"""

from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
ON_LOOPBACK = ("functions", "journey", "local")
OPENAPI, JOURNEYS, SECOND_HALF = "tests/journey/test_openapi.py", "tests/journey/", "tests/journey/test_k"
SHARING = (OPENAPI, "tests/local/", "tests/infra/")
"""Where node ids of tests begin that share something. The comparison with the APIs' documents takes as long as half of
the other journeys, so each of the three has a deployment to itself."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(TESTS).parts[0] in ON_LOOPBACK:
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out groups that share, the largest first, and then test by test."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(JOURNEYS) and not nodeid.startswith(OPENAPI):
            return f"{JOURNEYS}{'a-j' if nodeid < SECOND_HALF else 'k-z'}"
        return next((place for place in SHARING if nodeid.startswith(place)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    return Sharing(config, log)
