"""The functions against moto's server, called as API Gateway would: authorizer, then integration."""

import copy
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from moto.dynamodb.responses import DynamoHandler
from moto.server import ThreadedMotoServer

from functions.agent_api import handler as agent_api
from functions.agent_api import request as agent_request
from functions.agent_keys import handler as agent_keys
from functions.authorizer import handler as authorizer
from functions.contain_keys import handler as contain_keys
from functions.contain_transactions import handler as contain_transactions
from functions.incident_record import handler as incident_record
from functions.incidents import handler as incidents
from functions.key_census import handler as key_census
from functions.key_jobs import handler as key_jobs
from functions.key_rotation import handler as key_rotation
from functions.lockdown import handler as lockdown
from functions.operator_api import handler as operator_api
from functions.operator_api import request
from functions.proposals import handler as proposals
from functions.sweeper import handler as sweeper
from portcullis.protocol import problems, signing
from tests.functions.api_events import REGION, STAGE, api_event, load_event, multi_value

WALLET = "0x52908400098527886e0f7030069857d2e4169ee7"
POLICY: dict[str, Any] = {
    "allowlist": {"wallets": [f"base:{WALLET}"]},
    "limits": {"per_transaction": "500", "daily": "1000"},
    "tiers": {"human_above": "100"},
    "rate": {"per_minute": 600, "burst": 100},
}
_numbers = itertools.count(1)


def unique(prefix: str = "nonce") -> str:
    """A nonce or idempotency key that no other test uses."""
    return f"{prefix}-{next(_numbers):020d}"


@dataclass
class Answer:
    """What the caller gets."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str | None:
        return self.body.get("code")


@dataclass(frozen=True)
class Agent:
    """An agent with one key."""

    agent_id: str
    key_id: str
    secret: str = field(repr=False)


@cache
def shared(endpoint: str) -> tuple[Any, Any, Any, tuple[str, str]]:
    """Clients of moto's DynamoDB, S3 and KMS, and two roots of secrets: costly to make, and no test changes them."""
    options: dict[str, Any] = {
        "endpoint_url": endpoint,
        "region_name": REGION,
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }
    dynamodb, s3 = boto3.client("dynamodb", **options), boto3.client("s3", **options)
    kms = boto3.client("kms", **options)
    first, second = (kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC") for _ in range(2))
    return dynamodb, s3, kms, (first["KeyMetadata"]["Arn"], second["KeyMetadata"]["Arn"])


class Deployed:
    """The stack. ``clients`` are moto's, for looking behind the functions."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.caller = "arn:aws:iam::123456789012:user/operator"
        self.dynamodb, self.s3, self.kms, self._roots = shared(endpoint)
        self.environment = self._create()

    def _create(self) -> dict[str, str]:
        number = next(_numbers)
        core, nonces, bucket = f"core-{number}", f"nonces-{number}", f"policies-{number}"
        profiles = f"profiles-{number}"
        strings: list[Any] = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "status_key")]
        index_keys: list[Any] = [
            {"AttributeName": "status_key", "KeyType": "HASH"},
            {"AttributeName": "created_at", "KeyType": "RANGE"},
        ]
        self.dynamodb.create_table(
            TableName=core,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[*strings, {"AttributeName": "created_at", "AttributeType": "N"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            GlobalSecondaryIndexes=[
                {"IndexName": "by_status", "KeySchema": index_keys, "Projection": {"ProjectionType": "KEYS_ONLY"}}
            ],
        )
        self._create_nonces(nonces)
        self._create_profiles(profiles)
        self.s3.create_bucket(Bucket=bucket)
        return {
            "PORTCULLIS_STAGE": STAGE,
            "CORE_TABLE": core,
            "NONCES_TABLE": nonces,
            "PROFILES_TABLE": profiles,
            "POLICY_BUCKET": bucket,
            "BUS_NAME": "default",
            "COUNTRY_HEADER": "CloudFront-Viewer-Country",
            "AUDIT_BUCKET": "none",
            "AUDIT_KEY_ID": "none",
            "AUDIT_ORIGIN": "audit.example.com/none",
            "MAC_KEYS": " ".join(f"{number}={root}" for number, root in enumerate(self._roots)),
            "ROTATION_DAYS": "development=30 staging=7 production=30 high_value=7",
            "OVERLAP_HOURS": "24",
            "KEY_CLASS": "production",
            "API_URL": f"https://api.example.com/{STAGE}/",
            "ROTATION_FUNCTION": "arn:aws:lambda:us-east-1:123456789012:function:none",
            "STATE_MACHINE_ARN": f"arn:aws:states:{REGION}:123456789012:stateMachine:none",
            "RESPONSES": "low=contain:8 medium=notify high=off",
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    def _create_nonces(self, name: str) -> None:
        attributes: list[Any] = [("pk", "S"), ("used_key", "S"), ("used_at", "N")]
        index: Any = {
            "IndexName": "by_key",
            "KeySchema": [
                {"AttributeName": "used_key", "KeyType": "HASH"},
                {"AttributeName": "used_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["ip"]},
        }
        self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": type_} for each, type_ in attributes],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[index],
        )

    def _create_profiles(self, name: str) -> None:
        attributes: list[Any] = [("pk", "S"), ("blocked", "S"), ("ends_at", "N")]
        index: Any = {
            "IndexName": "by_block",
            "KeySchema": [
                {"AttributeName": "blocked", "KeyType": "HASH"},
                {"AttributeName": "ends_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
        self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": type_} for each, type_ in attributes],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[index],
        )

    @property
    def roots(self) -> dict[str, str]:
        """The KMS key of each generation."""
        return dict(pair.split("=", 1) for pair in self.environment["MAC_KEYS"].split())

    def items(self, table: str = "CORE_TABLE") -> list[dict[str, Any]]:
        """Everything in a table, as DynamoDB's JSON."""
        items: list[dict[str, Any]] = self.dynamodb.scan(TableName=self.environment[table])["Items"]
        return items

    def operator(
        self, method: str, resource: str, body: Any = None, *, headers: dict[str, str] | None = None, **path: str
    ) -> Answer:
        """One call of the operator API."""
        event = load_event("operator_api/request.json")
        event["requestContext"]["identity"]["userArn"] = self.caller
        target = urlsplit(resource)
        event |= {
            "httpMethod": method,
            "resource": target.path,
            "pathParameters": path or None,
            "body": json.dumps(body) if body is not None else None,
            "multiValueHeaders": {name: [value] for name, value in (_sent(body is not None) | (headers or {})).items()},
            "multiValueQueryStringParameters": multi_value(target.query),
        }
        return _rendered(operator_api.handler(event, None))

    def agent(self, policy: dict[str, Any] | None = None, **key: Any) -> Agent:
        """A new agent with one key."""
        created = self.operator("POST", "/v1/agents", {"name": "payer", "policy": policy or POLICY})
        assert created.status == 201, created
        agent_id = created.body["agent_id"]
        issued = self.operator("POST", "/v1/agents/{agent}/keys", key, agent=agent_id)
        assert issued.status == 201, issued
        return Agent(agent_id, issued.body["key_id"], issued.body["secret"])

    def price(self, token: str = "USDC", usd: str = "1", **more: str | None) -> None:
        """Set a price."""
        assert self.operator("PUT", "/v1/prices/{token}", {"usd": usd, **more}, token=token).status == 200

    def call(self, agent: Agent, method: str, path: str, body: bytes = b"", **options: Any) -> Answer:
        """Sign a request properly, let ``options["tamper"]`` change what arrives, and run it."""
        timestamp, nonce = options.get("timestamp", int(time.time())), options.get("nonce") or unique()
        target = urlsplit(path)
        query = signing.canonical_query(parse_qsl(target.query, keep_blank_values=True))
        headers = signing.signed_headers(
            agent.key_id, agent.secret, method, f"/{STAGE}{target.path}", query, body, timestamp, nonce
        )
        headers |= _sent(bool(body)) | options.get("headers", {})
        event = api_event(method, target.path, target.query, headers, body)
        event["requestContext"]["identity"]["sourceIp"] = options.get("source_ip", "203.0.113.7")
        if "tamper" in options:
            options["tamper"](event)
        return self.send(event)

    def send(self, event: dict[str, Any]) -> Answer:
        """What API Gateway does with a request: the authorizer's verdict, then the integration."""
        blind = {name: value for name, value in event.items() if name not in ("body", "isBase64Encoded")}
        verdict = authorizer.handler(copy.deepcopy(blind), None)
        if verdict["policyDocument"]["Statement"][0]["Effect"] != "Allow":
            code = verdict["context"]["code"]
            return Answer(problems.PROBLEMS[code].status, {"code": code, "detail": verdict["context"]["detail"]})
        event["requestContext"]["authorizer"] = verdict["context"]
        function = agent_keys if event["resource"].startswith("/v1/keys") else agent_api
        return _rendered(function.handler(event, None))

    def pay(self, agent: Agent, amount: str = "10", *, key: str | None = None, **options: Any) -> Answer:
        """One transfer to the allowlisted wallet, or with other fields."""
        fields = {"kind": "transfer", "amount": amount, "token": "USDC", "chain": "base"}
        body = {**fields, "destination": {"wallet": WALLET}, **options.pop("fields", {})}
        headers = {"Idempotency-Key": key or unique("payment")}
        return self.call(agent, "POST", "/v1/transactions", json.dumps(body).encode(), headers=headers, **options)


def _sent(with_body: bool) -> dict[str, str]:
    return {"Content-Type": "application/json"} if with_body else {}


def _rendered(answer: dict[str, Any]) -> Answer:
    return Answer(answer["statusCode"], json.loads(answer["body"]), answer["headers"])


def forget() -> None:
    """Start the functions' processes anew: nothing cached."""
    caches = (
        authorizer.authorizer,
        agent_request.stores,
        agent_keys.stores,
        contain_keys.table,
        contain_transactions.table,
        incident_record.table,
        incidents.responding,
        key_rotation.stores,
        key_jobs.key_jobs,
        key_census.table,
        lockdown.lockdowns,
        proposals.table,
        sweeper.table,
        request.stores,
    )
    for factory in caches:
        factory.cache_clear()


@contextmanager
def moto_endpoint() -> Iterator[str]:
    """The address of a moto server of this process, whose DynamoDB does one call after another.

    DynamoDB checks an item's condition and writes it in one step. moto's threads may come between the two, so that
    of a hundred racing updates some would win that on AWS cannot.
    """
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    turn, answer = Lock(), DynamoHandler.call_action

    def in_turn(self: DynamoHandler) -> Any:
        with turn:
            return answer(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoHandler, "call_action", in_turn)
        server.start()
        try:
            host, port = server.get_host_and_port()
            yield f"http://{host}:{port}"
        finally:
            server.stop()


@contextmanager
def deployed(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """A stack with USDC priced, its environment set, its functions cold."""
    stack = Deployed(endpoint)
    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)
    forget()
    stack.price(expires_at=None)
    yield stack
    forget()
