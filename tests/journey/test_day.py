"""A day of an agent, from its first small payment to a large one that a person approves, and all that the bus hears."""

import json
from typing import Any

import httpx

from local.tap import Tap
from tests.journey.deployment import WALLET, Agent, Deployment, fresh
from tests.journey.people import Person

STRANGER = "0x8617e340b3d01fa5f11f306f4090fd50e238070d"


class Day:
    """The agent, who executes for it, and who assesses its risks."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.executor = deployment.agent(key={"scopes": ["transactions:read", "transactions:claim"]})
        self.assessor = deployment.agent(key={"scopes": ["transactions:read", "transactions:risk"]})
        self.agent = deployment.agent(
            {
                "limits": {"per_transaction": "5000", "daily": "10000", "weekly": "20000", "hourly_count": 100},
                "tiers": {"risk_from": "100", "human_above": "1000"},
                "duplicates": {"within_seconds": 3600, "action": "hold"},
                "executors": [self.executor.agent_id],
                "risk_agents": [self.assessor.agent_id],
            }
        )

    def pay(self, amount: str, wallet: str = WALLET) -> dict[str, Any]:
        body: dict[str, Any] = self.deployment.pay(self.agent, amount, destination={"wallet": wallet}).json()
        return body

    def step(self, caller: Agent, transaction: dict[str, Any], action: str, **fields: str) -> dict[str, Any]:
        own = {} if caller is self.agent else {"agent_id": self.agent.agent_id}
        path, body = f"/v1/transactions/{transaction['id']}/{action}", json.dumps({**own, **fields}).encode()
        answer: httpx.Response = self.deployment.send(self.deployment.sign(caller, "POST", path, body))
        assert answer.status_code == 200, answer.text
        moved: dict[str, Any] = answer.json()
        return moved

    def execute(self, transaction: dict[str, Any], outcome: str, **fields: str) -> str:
        token = fresh("claim")
        assert self.step(self.executor, transaction, "claim", claim_token=token)["status"] == "executing"
        return str(self.step(self.executor, transaction, outcome, claim_token=token, **fields)["status"])


def test_a_day_of_an_agent(deployment: Deployment, crew: tuple[Person, Person], tap: Tap) -> None:
    day = Day(deployment)

    small = day.pay("12.50")
    assert (small["status"], day.execute(small, "settle", reference="0xa")) == ("approved", "settled")

    again = day.pay("12.50")
    assert (again["status"], again["approval"]["reasons"]) == ("pending_approval", ["possible_duplicate"])
    assert day.step(day.agent, again, "cancel")["status"] == "cancelled"

    medium = day.pay("200")
    assert (medium["status"], medium["approval"]["by"]) == ("pending_approval", "risk_agent")
    shown = {"content_sha256": medium["content_sha256"], "decision": "approve"}
    assert day.step(day.assessor, medium, "risk-decision", **shown)["status"] == "approved"
    assert day.execute(medium, "fail", reason="the venue is down") == "failed"

    astray = day.pay("5", STRANGER)
    assert (astray["code"], [one["rule"] for one in astray["violations"]]) == (
        "policy_denied",
        ["destination_not_allowlisted"],
    )

    large = day.pay("2000")
    assert (large["status"], large["approval"]["by"]) == ("pending_approval", "human")
    assert crew[0].approve(day.agent, large).json()["status"] == "approved"
    assert day.execute(large, "settle", reference="0xb") == "settled"

    assert deployment.spent(day.agent) == 2_012_500_000, "what was paid, and nothing else"
    lives = {
        small["id"]: ["approved", "executing", "settled"],
        again["id"]: ["pending_approval", "cancelled"],
        medium["id"]: ["pending_approval", "approved", "executing", "failed"],
        astray["transaction_id"]: ["denied"],
        large["id"]: ["pending_approval", "approved", "executing", "settled"],
    }
    told = [(txid, rev, f"transaction.{status}") for txid, life in lives.items() for rev, status in enumerate(life, 1)]
    events = tap.wait(len(told), lambda event: event["txid"] in lives)
    assert sorted((event["txid"], event["rev"], event["type"]) for event in events) == sorted(told)
