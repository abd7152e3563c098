from collections.abc import Iterator

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
