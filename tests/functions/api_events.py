"""Events as API Gateway makes them of requests, from the shapes under ``events/``."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

EVENTS = Path(__file__).parents[2] / "events"
REGION = "us-east-1"
STAGE = "test"


def load_event(name: str) -> dict[str, Any]:
    """A copy of an event file under ``events/``."""
    event: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return event


def api_event(method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """What API Gateway makes of a request."""
    event = load_event("authorizer/request.json") | load_event("agent_api/request.json")
    parts = path.split("/")
    txid = parts[3] if path.startswith("/v1/transactions/") else None
    resource = "/".join(["", "v1", "transactions", "{id}", *parts[4:]]) if txid else path
    event |= {
        "methodArn": f"arn:aws:execute-api:{REGION}:123456789012:a1b2c3d4e5/{STAGE}/{method}{path}",
        "httpMethod": method,
        "path": path,
        "resource": resource,
        "pathParameters": {"id": txid} if txid else None,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "multiValueQueryStringParameters": multi_value(query),
        "body": body.decode() or None,
    }
    event["requestContext"]["path"] = f"/{STAGE}{path}"
    del event["requestContext"]["authorizer"]
    return event


def multi_value(query: str) -> dict[str, list[str]] | None:
    """The parameters of a query as an event has them."""
    multi: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        multi.setdefault(name, []).append(value)
    return multi or None
