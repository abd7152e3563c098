"""An agent with an executor, and the calls of the agent API after a decision."""

import json
from typing import Any

from tests.functions.deployed import POLICY, WALLET, Agent, Answer, Deployed

TOKEN = "claim-token-0000000001"
EXECUTOR_SCOPES = ["transactions:read", "transactions:claim"]


def executor(stack: Deployed) -> Agent:
    """An agent that may claim where a policy names it."""
    return stack.agent({"allowlist": {"wallets": [f"base:{WALLET}"]}}, scopes=EXECUTOR_SCOPES)


def payer(stack: Deployed, *executors: Agent, **policy: Any) -> Agent:
    """An agent whose policy names these executors."""
    return stack.agent({**POLICY, "executors": [one.agent_id for one in executors], **policy})


def post(stack: Deployed, caller: Agent, txid: str, action: str, **body: Any) -> Answer:
    """One step of a transaction."""
    return stack.call(caller, "POST", f"/v1/transactions/{txid}/{action}", json.dumps(body).encode())


def claim(stack: Deployed, caller: Agent, agent: Agent, txid: str, token: str = TOKEN) -> Answer:
    """``POST /v1/transactions/{id}/claim``."""
    return post(stack, caller, txid, "claim", agent_id=agent.agent_id, claim_token=token)


def settle(
    stack: Deployed, caller: Agent, agent: Agent, txid: str, reference: str = "ref-1", token: str = TOKEN
) -> Answer:
    """``POST /v1/transactions/{id}/settle``."""
    return post(stack, caller, txid, "settle", agent_id=agent.agent_id, claim_token=token, reference=reference)


def fail(
    stack: Deployed, caller: Agent, agent: Agent, txid: str, reason: str = "no funds", token: str = TOKEN
) -> Answer:
    """``POST /v1/transactions/{id}/fail``."""
    return post(stack, caller, txid, "fail", agent_id=agent.agent_id, claim_token=token, reason=reason)


def suspend(stack: Deployed, agent: Agent) -> None:
    """Stop an agent."""
    path = "/v1/agents/{agent}/suspend"
    assert stack.operator("POST", path, {"reason": "drill"}, agent=agent.agent_id).status == 200


def item(stack: Deployed, agent: Agent, sk: str) -> dict[str, Any]:
    """One stored item of an agent."""
    key = {"pk": {"S": f"AGENT#{agent.agent_id}"}, "sk": {"S": sk}}
    found: dict[str, Any] = stack.dynamodb.get_item(TableName=stack.environment["CORE_TABLE"], Key=key)["Item"]
    return found


def spent(stack: Deployed, agent: Agent) -> int:
    """Micro-USD in the agent's windows of the day."""
    account = item(stack, agent, "ACCOUNT")
    return sum(int(value["N"]) for name, value in account.items() if name[0] == "d" and name[1:].isdigit())


def overdue(stack: Deployed, agent: Agent, txid: str, age: int = 25 * 3600) -> None:
    """Let the time of a transaction's state have run out: it is ``age`` seconds older than it was."""
    stored, key = item(stack, agent, f"TX#{txid}"), {"pk": {"S": f"AGENT#{agent.agent_id}"}, "sk": {"S": f"TX#{txid}"}}
    stack.dynamodb.update_item(
        TableName=stack.environment["CORE_TABLE"],
        Key=key,
        UpdateExpression="SET created_at = :created, expires_at = :expires",
        ExpressionAttributeValues={
            ":created": {"N": str(int(stored["created_at"]["N"]) - age * 1_000_000)},
            ":expires": {"N": str(int(stored["expires_at"]["N"]) - age * 1_000_000)},
        },
    )
