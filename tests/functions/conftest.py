from collections.abc import Iterator

import pytest

from functions.operator_api import request
from portcullis.aws import wire
from tests.functions import deployed
from tests.functions.people import Interposed, Meanwhile, People


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """On a busy machine moto takes longer than AWS may; what is sent again meets what its first try has done."""
    own = wire.Service.__init__.__kwdefaults__
    assert own is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(own, "timeout_seconds", 30.0)
        yield


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


@pytest.fixture
def meanwhile(stack: deployed.Deployed, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """What comes between the reads of a call and its write that uses a code."""
    request.stores.cache_clear()
    monkeypatch.setattr(request, "Service", Interposed)
    monkeypatch.setattr(Interposed, "meanwhile", [])
    return Interposed.meanwhile
