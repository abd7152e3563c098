"""Tests reach no network. Those that talk to a gateway on this machine may reach this machine.

With several processes (``make test``) the journeys, which share one deployment, stay in one and begin first.
"""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ON_LOOPBACK = ("functions", "journey", "local")
SHARING = ("journey", "local", "infra")
"""Folders whose tests share something that is dear to make."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if folder(item) in ON_LOOPBACK:
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))
        if folder(item) in SHARING:
            item.add_marker(pytest.mark.xdist_group(folder(item)))
    items.sort(key=lambda item: folder(item) != "journey")


def folder(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]
