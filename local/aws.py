"""Clients of the emulator with its root credentials, which are for deployment and set-up only."""

from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
ROOT_KEY = "test"
ROOT_SECRET = "test"  # noqa: S105 - what the emulator takes for the account's root, on loopback


CROSS_STACK = "ExportsOutput"
"""How the CDK begins the names of outputs that are only for its other stacks."""


def client(service: str, endpoint_url: str) -> Any:
    """A client of one service of the emulator; it reads no configuration of this machine's user."""
    session = boto3.session.Session(ROOT_KEY, ROOT_SECRET, region_name=REGION)
    config = Config(retries={"max_attempts": 2}, s3={"addressing_style": "path"})
    return session.client(service, endpoint_url=endpoint_url, config=config)  # type: ignore[call-overload]


def stack_outputs(endpoint_url: str, stacks: tuple[str, ...]) -> dict[str, str] | None:
    """The named outputs of all the stacks, or None unless every one of them is deployed completely."""
    described = client("cloudformation", endpoint_url).describe_stacks()["Stacks"]
    found = {stack["StackName"]: stack for stack in described}
    outputs: dict[str, str] = {}
    for name in stacks:
        if name not in found or found[name]["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return None
        outputs |= {entry["OutputKey"]: entry["OutputValue"] for entry in found[name].get("Outputs", [])}
    return {key: value for key, value in outputs.items() if not key.startswith(CROSS_STACK)}
