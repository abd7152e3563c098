"""Tests reach no network. Those that talk to a gateway on this machine may reach this machine."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ON_LOOPBACK = ("functions", "journey", "local")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(TESTS).parts[0] in ON_LOOPBACK:
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))
