"""What an agent does out of the ordinary is found in seconds, told on the bus, and recorded."""

import os
import time
from statistics import median
from typing import Any

from local.tap import Tap
from tests.journey.deployment import Deployment
from tests.journey.test_audit_log import PROVABLE_SECONDS, PublishedLog

STRANGER = {"wallet": "0x8617e340b3d01fa5f11f306f4090fd50e238070d"}
FINDINGS = int(os.environ.get("FINDINGS", "1"))
"""With 20, the median that is printed means something."""


def test_a_payment_outside_the_allowlist_is_a_finding_on_the_bus_and_in_the_audit_log(
    deployment: Deployment, tap: Tap
) -> None:
    agent = deployment.agent()
    assert deployment.pay(agent).status_code == 201
    denied = deployment.pay(agent, destination=STRANGER).json()
    event, _ = opened(tap, agent.agent_id)
    finding = event["data"]
    assert (event["verified"], event["ip"], event["key"]) == (True, agent.address, agent.key_id)
    assert (finding["action"], finding["count"]) == ("record", 1)
    assert [signal["name"] for signal in finding["signals"]] == ["destination_outside"]
    assert finding["evidence"] == [f"{denied['transaction_id']}#1"]
    entry = PublishedLog(deployment).wait(event["id"], PROVABLE_SECONDS)
    assert (entry["type"], entry["ocsf"]["class_uid"]) == ("finding.opened", 2004)


def test_a_finding_is_told_in_seconds(deployment: Deployment, tap: Tap) -> None:
    taken = []
    for _ in range(FINDINGS):
        agent = deployment.agent()
        started = time.monotonic()
        deployment.pay(agent, destination=STRANGER)
        _, arrived = opened(tap, agent.agent_id)
        taken.append(arrived - started)
    print(f"median of {FINDINGS}: {median(taken):.1f} s, slowest {max(taken):.1f} s")
    assert len(taken) == FINDINGS


def opened(tap: Tap, agent: str) -> tuple[dict[str, Any], float]:
    """The event that tells of the agent's finding, and when it was seen."""
    seen: list[float] = []

    def wanted(event: dict[str, Any]) -> bool:
        if event["type"] != "finding.opened" or event["agent"] != agent:
            return False
        seen.append(time.monotonic())
        return True

    (event,) = tap.wait(1, wanted)
    return event, seen[0]
