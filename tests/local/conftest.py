"""One emulator for all tests of the mends, with a small template deployed; each test makes its own items."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from local import emulator_process
from local.home import Home
from local.ports import HOST, Ports, free
from tests.local.http import Answer, send
from tests.local.template import template

REGION = "us-east-1"


@dataclass(frozen=True)
class Deployed:
    """A running emulator with the small template on it."""

    home: Home
    ports: Ports
    outputs: dict[str, str]

    def client(self, service: str, credentials: tuple[str, ...] = ("test", "test")) -> Any:
        """A client of one service; with the emulator's root credentials unless told otherwise."""
        key, secret, *token = credentials
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=f"http://{HOST}:{self.ports.endpoint}",
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token[0] if token else None,
            config=Config(retries={"max_attempts": 1}),
        )

    def agent(self, method: str, path: str, headers: list[tuple[str, str]] | None = None, body: bytes = b"") -> Answer:
        return send(self.ports.agent, method, path, headers or [], body)

    def operator(
        self, method: str, path: str, credentials: tuple[str, str] | None, body: bytes = b"", tamper: str = ""
    ) -> Answer:
        """A request to the operator API, signed when there are credentials, then altered by `tamper`."""
        headers: list[tuple[str, str]] = []
        if credentials:
            url = f"http://{HOST}:{self.ports.operator}{path}"
            request = AWSRequest(method=method, url=url, data=body, headers={"Host": f"{HOST}:{self.ports.operator}"})
            SigV4Auth(Credentials(*credentials), "execute-api", REGION).add_auth(request)
            headers = [(name, value) for name, value in request.headers.items() if name != "Host"]
        return send(self.ports.operator, method, path + tamper, headers, body)


def deploy(home: Home, ports: Ports) -> Deployed:
    """Deploy the small template and wait for it."""
    deployed = Deployed(home, ports, {})
    stacks = deployed.client("cloudformation")
    stacks.create_stack(StackName="try", TemplateBody=template(), Capabilities=["CAPABILITY_IAM"])
    stacks.get_waiter("stack_create_complete").wait(StackName="try", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    outputs = stacks.describe_stacks(StackName="try")["Stacks"][0]["Outputs"]
    return Deployed(home, ports, {entry["OutputKey"]: entry["OutputValue"] for entry in outputs})


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    home, ports = Home(Path(tmp_path_factory.mktemp("emulator"))), free()
    emulator_process.start(home, ports, with_parent=True)
    try:
        yield deploy(home, ports)
    finally:
        emulator_process.stop(home)
