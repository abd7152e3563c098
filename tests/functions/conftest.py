from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functions import deployed
from tests.functions.people import People


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    with deployed.moto_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def stack(moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[deployed.Deployed]:
    with deployed.deployed(moto_endpoint, monkeypatch) as stack:
        yield stack


@pytest.fixture
def people(stack: deployed.Deployed, monkeypatch: pytest.MonkeyPatch) -> People:
    return People(stack, monkeypatch)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """moto's server is on loopback, and so is everything these tests may reach."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))
