"""A policy from its draft to its publication over HTTP, and an agent that earns trust."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from local.tap import Tap
from portcullis.cli.context import Session
from portcullis.cli.main import app
from portcullis.domain.trust import CLEAN_PERIOD
from tests.journey.deployment import POLICY, WALLET, Agent, Deployment

STRICTER = {
    "allowlist": {"wallets": [f"base:{WALLET}"]},
    "limits": {"per_transaction": "20", "daily": "1000", "weekly": "2000"},
}


def path_of(agent: Agent, rest: str = "") -> str:
    return f"/v1/agents/{agent.agent_id}/policy{rest}"


def test_a_policy_is_drafted_tried_and_published(deployment: Deployment, tap: Tap) -> None:
    agent = deployment.agent()
    operator = deployment.operator
    assert deployment.pay(agent, "30").status_code == 201
    draft = operator("PUT", path_of(agent, "/draft"), STRICTER).json()
    assert (draft["protection"], draft["warnings"][0]["code"]) == ("standard", "no_duplicate_check")
    replayed = operator("POST", path_of(agent, "/backtest"), {"draft": True}).json()
    assert replayed["totals"] == [{"from": "approved", "to": "denied", "count": 1, "usd": "30.00"}]
    assert operator("PUT", path_of(agent, "/shadow"), {"draft": True}).status_code == 200
    differences = operator("GET", path_of(agent, "/diff")).json()["differences"]
    assert {found["path"] for found in differences} >= {"limits.per_transaction", "limits.weekly"}
    published = operator("POST", path_of(agent, "/publish"), {"sha256": draft["sha256"]}, If_Match='"1"')
    assert published.json()["version"] == 2
    assert operator("DELETE", path_of(agent, "/shadow")).status_code == 200
    assert deployment.pay(agent, "30").json()["code"] == "policy_denied"
    asked = {"kind": "transfer", "amount": "30", "token": "USDC", "chain": "base", "destination": {"wallet": WALLET}}
    explained = operator("POST", path_of(agent, "/explain"), {"transaction": asked}).json()
    assert [rule["rule"] for rule in explained["rules"] if rule["verdict"] == "broken"] == ["per_transaction_limit"]
    assert len(operator("GET", path_of(agent, "/versions")).json()["versions"]) == 2
    mine = tap.wait(4, lambda event: event["agent"] == agent.agent_id and event["type"].startswith("policy."))
    expected = ["policy.drafted", "policy.published", "policy.shadowed", "policy.unshadowed"]
    assert sorted(event["type"] for event in mine) == expected


def test_the_commands_of_the_page_work_one_after_the_other(deployment: Deployment, tmp_path: Path) -> None:
    agent = deployment.agent()
    for amount in ("10", "30"):
        deployment.pay(agent, amount)
    policy, transaction = tmp_path / "policy.json", tmp_path / "transaction.json"
    policy.write_text(json.dumps(STRICTER))
    asked = {"kind": "transfer", "amount": "30", "token": "USDC", "chain": "base", "destination": {"wallet": WALLET}}
    transaction.write_text(json.dumps(asked))

    session = Session(None, None, deployment.home.local_json, as_json=False)

    def run(command: str, *arguments: str) -> str:
        done = CliRunner().invoke(app, ["policy", command, *arguments], obj=session)
        assert done.exit_code == 0, done.output
        return done.output

    with closing(session.operator):
        assert "nobody_can_claim" in run("validate", str(policy))
        assert "nobody_can_claim" in run("draft", agent.agent_id, str(policy))
        assert "limits.per_transaction: 500.00 -> 20.00  tightens" in run("diff", agent.agent_id)
        assert "1 of 2 transactions would be decided otherwise" in run("backtest", agent.agent_id, "--draft")
        assert "per_transaction_limit" in run("explain", agent.agent_id, str(transaction), "--draft")
        assert "shadow_sha256" in run("shadow", agent.agent_id, "--draft")
        assert "protection  standard" in run("publish", agent.agent_id, "--yes")
        assert "shadow_sha256" not in run("shadow", agent.agent_id, "--off")
        assert "low" in run("preset", "low")
        assert "operator" in run("history", agent.agent_id)
        assert "proposal" in run("proposal", agent.agent_id)


def test_a_policy_of_ten_thousand_entries_passes_every_route_that_takes_one(deployment: Deployment) -> None:
    agent = deployment.agent()
    document = {**POLICY, "allowlist": {"wallets": [f"base:0x{number:040x}" for number in range(9_999)]}}
    assert deployment.operator("POST", "/v1/policies/validate", document).status_code == 200
    assert deployment.operator("PUT", path_of(agent, "/draft"), document).status_code == 200
    assert deployment.operator("PUT", path_of(agent, "/shadow"), document).status_code == 200
    assert deployment.operator("POST", path_of(agent, "/backtest"), {"policy": document}).status_code == 200


def test_a_clean_agent_is_proposed_and_the_event_is_seen(deployment: Deployment, tap: Tap) -> None:
    created = deployment.operator("POST", "/v1/agents", {"name": "new"}).json()
    grow_old(deployment, created["agent_id"])
    functions = deployment.root("lambda").list_functions()["Functions"]
    (name,) = (each["FunctionName"] for each in functions if "Proposals" in each["FunctionName"])
    for _ in range(2):
        answer = deployment.root("lambda").invoke(FunctionName=name, Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()
        assert json.loads(answer["Payload"].read())["examined"] >= 1
    found: list[dict[str, Any]] = tap.wait(1, lambda event: event["type"] == "trust.upgrade_proposed")
    assert [(event["agent"], event["data"]["proposed"]) for event in found] == [(created["agent_id"], "medium")]
    shown = deployment.operator("GET", f"/v1/agents/{created['agent_id']}/proposal").json()
    assert shown["proposal"]["limits"]["daily"] == "1000.00"


def grow_old(deployment: Deployment, agent: str) -> None:
    """Let the agent and its policy have been there for a whole clean period."""
    table = {"TableName": deployment.outputs["CoreTable"]}
    for sort_key, name in (("ACCOUNT", "created_at"), ("POLICY#0000000001", "trust_since")):
        deployment.root("dynamodb").update_item(
            **table,
            Key={"pk": {"S": f"AGENT#{agent}"}, "sk": {"S": sort_key}},
            UpdateExpression="SET #at = #at - :period",
            ExpressionAttributeNames={"#at": name},
            ExpressionAttributeValues={":period": {"N": str(CLEAN_PERIOD)}},
        )
