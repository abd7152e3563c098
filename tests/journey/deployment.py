"""The deployed local stack as its users see it: agents and operators over HTTP, and root to look behind the scenes."""

import itertools
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import httpx
from botocore.credentials import Credentials

from local.aws import client
from local.home import Home
from portcullis.aws.operator_signing import OperatorAuth
from portcullis.protocol import signing
from tests.journey.described import AGENT_API, OPERATOR_API, hold_against

POLICY: dict[str, Any] = {
    "limits": {"per_transaction": "500", "daily": "100000"},
    "tiers": {"human_above": "100"},
    "rate": {"per_minute": 6000, "burst": 1000},
}
WALLET = "0x52908400098527886e0f7030069857d2e4169ee7"
_addresses = itertools.count(1)


def fresh(prefix: str) -> str:
    """A nonce or idempotency key that was never used."""
    return f"{prefix}-{secrets.token_urlsafe(18)}"


@dataclass(frozen=True)
class Agent:
    """An agent, one of its keys, and the address it calls from."""

    agent_id: str
    key_id: str
    secret: str = field(repr=False)
    address: str = "203.0.113.7"


@dataclass(frozen=True)
class Signed:
    """A request as it goes over the wire, so that a test can alter it or send it again."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Deployment:
    """One instance of the local run: its folder, and ``description``, its local.json."""

    def __init__(self, home: Home, description: dict[str, Any]) -> None:
        self.home = home
        self.description = description
        self.outputs: dict[str, str] = description["outputs"]
        self.agent_url: str = description["api_url"]
        self.base_path = urlsplit(self.agent_url).path
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        self.http = httpx.Client(timeout=30, limits=limits, event_hooks={"response": [self._hold]})
        operator = description["operator"]
        credentials = Credentials(operator["access_key_id"], operator["secret_access_key"])
        self.operator_auth = OperatorAuth(credentials, description["region"])

    def _hold(self, response: httpx.Response) -> None:
        """Whatever a journey does, the answer is one that the OpenAPI document of its API describes."""
        response.read()
        for base, api in ((self.agent_url, AGENT_API), (self.description["operator_url"], OPERATOR_API)):
            target = str(response.url).partition("?")[0]
            if target.startswith(base):
                hold_against(api, target.removeprefix(base), response)

    def root(self, service: str) -> Any:
        """A client with the deployment's own credentials."""
        return client(service, self.description["endpoint_url"])

    def operator(
        self, method: str, path: str, body: Any = None, *, auth: httpx.Auth | None = None, **headers: str
    ) -> httpx.Response:
        """One call of the operator API as the operator of local.json, or as ``auth``."""
        content = b"" if body is None else json.dumps(body).encode()
        named = {"Content-Type": "application/json"} if content else {}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = self.description["operator_url"] + path
        return self.http.request(method, url, content=content, headers=named, auth=auth or self.operator_auth)

    def agent(self, policy: dict[str, Any] | None = None, *, key: dict[str, Any] | None = None) -> Agent:
        """A new agent that may pay WALLET, with one key, calling from an address of its own."""
        document = {"allowlist": {"wallets": [f"base:{WALLET}"]}, **POLICY, **(policy or {})}
        created = self.operator("POST", "/v1/agents", {"name": "payer", "policy": document})
        assert created.status_code == 201, created.text
        agent_id = created.json()["agent_id"]
        issued = self.operator("POST", f"/v1/agents/{agent_id}/keys", key or {})
        assert issued.status_code == 201, issued.text
        number = next(_addresses)
        address = f"203.0.{113 + number // 250}.{number % 250 + 1}"
        return Agent(agent_id, issued.json()["key_id"], issued.json()["secret"], address)

    def sign(self, agent: Agent, method: str, path: str, body: bytes = b"", **options: Any) -> Signed:
        """A properly signed request; ``options``: timestamp, nonce, headers."""
        target = urlsplit(path)
        timestamp = options.get("timestamp", int(time.time()))
        nonce = options.get("nonce") or fresh("nonce")
        headers = signing.signed_headers(
            agent.key_id, agent.secret, method, self.base_path + target.path, target.query, body, timestamp, nonce
        )
        extra = {"X-Forwarded-For": agent.address, "Content-Type": "application/json"}
        return Signed(method, path, {**extra, **headers, **options.get("headers", {})}, body)

    def send(self, request: Signed) -> httpx.Response:
        """The request as it stands."""
        url = self.agent_url + request.target
        return self.http.request(request.method, url, content=request.body, headers=dict(request.headers))

    def payment(self, agent: Agent, amount: str = "10", *, key: str | None = None, **fields: Any) -> Signed:
        """A signed transfer to WALLET."""
        body: dict[str, Any] = {"kind": "transfer", "amount": amount, "token": "USDC", "chain": "base"}
        body |= {"destination": {"wallet": WALLET}, **fields}
        headers = {"Idempotency-Key": key or fresh("payment")}
        return self.sign(agent, "POST", "/v1/transactions", json.dumps(body).encode(), headers=headers)

    def pay(self, agent: Agent, amount: str = "10", *, key: str | None = None, **fields: Any) -> httpx.Response:
        """Send a payment."""
        return self.send(self.payment(agent, amount, key=key, **fields))

    def issue_key(self, agent: Agent, **fields: Any) -> Agent:
        """Another key of the agent."""
        issued = self.operator("POST", f"/v1/agents/{agent.agent_id}/keys", fields)
        assert issued.status_code == 201, issued.text
        return replace(agent, key_id=issued.json()["key_id"], secret=issued.json()["secret"])

    def role_of(self, function: str) -> str:
        """The ARN of a function's role; ``function`` is a part of its name that no other has."""
        pages = self.root("lambda").get_paginator("list_functions").paginate()
        (role,) = (each["Role"] for page in pages for each in page["Functions"] if function in each["FunctionName"])
        return str(role)

    def scan(self, table: str) -> list[dict[str, Any]]:
        """Every item of a table, by its output key."""
        pages = self.root("dynamodb").get_paginator("scan").paginate(TableName=self.outputs[table], ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def transactions(self, agent: Agent) -> list[dict[str, Any]]:
        """The agent's recorded transactions, as items."""
        pages = (
            self.root("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.outputs["CoreTable"],
                KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
                ExpressionAttributeValues={":pk": {"S": f"AGENT#{agent.agent_id}"}, ":prefix": {"S": "TX#"}},
                ConsistentRead=True,
            )
        )
        return [item for page in pages for item in page["Items"]]

    def spent(self, agent: Agent) -> int:
        """Micro-USD in the agent's spend windows."""
        key = {"pk": {"S": f"AGENT#{agent.agent_id}"}, "sk": {"S": "ACCOUNT"}}
        account = self.root("dynamodb").get_item(TableName=self.outputs["CoreTable"], Key=key, ConsistentRead=True)
        windows = {name: value for name, value in account["Item"].items() if name[0] == "d" and name[1:].isdigit()}
        return sum(int(value["N"]) for value in windows.values())
