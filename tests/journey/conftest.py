from collections.abc import Iterator

import pytest

from local.emulator.secret_rotation import SECONDS_PER_DAY
from local.tap import Tap
from local.testing import isolated_run
from tests.event_schemas import faults
from tests.journey.deployment import Deployment
from tests.journey.people import Person


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    """One instance for all journeys, beside whatever else runs on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SECONDS_PER_DAY, "0.5")  # a weekly rotation comes every few seconds
        patch.setenv("SFN_WAIT_SCALE", "0.02")  # a step that fails is tried again at once
        with isolated_run() as (home, description):
            deployment = Deployment(home, description)
            yield deployment
            deployment.http.close()


@pytest.fixture
def tap(deployment: Deployment) -> Iterator[Tap]:
    """What a consumer of the bus sees; every event has to be as its published schema says."""
    tap = Tap(deployment.description, "journey")
    yield tap
    assert [fault for event in tap.events for fault in faults(event)] == []


@pytest.fixture(scope="session")
def crew(deployment: Deployment) -> Iterator[tuple[Person, Person]]:
    """The first approver of this deployment, and the one they sponsor."""
    first, second = Person(deployment, "alice"), Person(deployment, "bob")
    first.allow("POST/v1/approvers")
    enrolled = deployment.operator("POST", "/v1/approvers", {"name": first.name}, auth=first.auth)
    assert enrolled.status_code == 201, enrolled.text
    first.activate(enrolled.json()["approver_id"])
    sponsored = first.speak("enrolments", name=second.name, identity=second.arn)
    assert sponsored.status_code == 201, sponsored.text
    second.activate(sponsored.json()["approver_id"])
    yield first, second
    first.leave()
    second.leave()
