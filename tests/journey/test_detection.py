"""What an agent does out of the ordinary is found in seconds, told, and recorded; what others do in its name is not."""

from typing import Any

from local.tap import Tap
from tests.journey.deployment import Deployment
from tests.journey.test_audit_log import PROVABLE_SECONDS, PublishedLog

STRANGER = {"wallet": "0x8617e340b3d01fa5f11f306f4090fd50e238070d"}


def opened(tap: Tap, agent: str, count: int = 1) -> list[dict[str, Any]]:
    return tap.wait(count, lambda event: event["type"] == "finding.opened" and event["agent"] == agent)


def test_a_payment_outside_the_allowlist_is_a_finding_on_the_bus_and_in_the_audit_log(
    deployment: Deployment, tap: Tap
) -> None:
    agent = deployment.agent()
    assert deployment.pay(agent).status_code == 201
    denied = deployment.pay(agent, destination=STRANGER).json()
    (event,) = opened(tap, agent.agent_id)
    finding = event["data"]
    assert (event["verified"], event["ip"], event["key"]) == (True, agent.address, agent.key_id)
    assert (finding["action"], finding["count"]) == ("record", 1)
    assert [signal["name"] for signal in finding["signals"]] == ["destination_outside"]
    assert finding["evidence"] == [f"{denied['transaction_id']}#1"]
    entry = PublishedLog(deployment).wait(event["id"], PROVABLE_SECONDS)
    assert (entry["type"], entry["ocsf"]["class_uid"]) == ("finding.opened", 2004)
