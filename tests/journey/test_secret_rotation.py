"""Keys that Secrets Manager hands out and rotates, under load, while steps of the rotation fail."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from local.emulator.secret_rotation import ATTEMPTS
from portcullis.client import AsyncGateway, Gateway
from portcullis.client.secrets import SecretProvider, SecretsManagerSource
from portcullis.domain.key_delivery import secret_name
from portcullis.domain.secret_rotation import CREATE, FINISH, SET, STEPS, TEST
from tests.journey.deployment import WALLET, Agent, Deployment, fresh

PREVIOUS_AND_CURRENT = [["AWSCURRENT"], ["AWSPREVIOUS"]]
ROTATIONS = 5
BROKEN = {CREATE: "kms:GenerateMac", SET: "dynamodb:PutItem", FINISH: "secretsmanager:UpdateSecretVersionStage"}
PAYMENT: dict[str, Any] = {"kind": "transfer", "amount": "1", "token": "USDC", "chain": "base"}


def until(what: str, holds: Callable[[], Any], seconds: float = 40) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return found


def session(deployment: Deployment, service: str, credentials: dict[str, str]) -> Any:
    connect: Any = boto3.client
    return connect(
        service,
        endpoint_url=deployment.description["endpoint_url"],
        region_name=deployment.description["region"],
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials.get("SessionToken"),
    )


def as_role(deployment: Deployment, function: str, service: str) -> Any:
    role = deployment.role_of(function)
    assumed = deployment.root("sts").assume_role(RoleArn=role, RoleSessionName="trial")
    return session(deployment, service, assumed["Credentials"])


class Delivery:
    """An agent whose key is delivered, and an identity that may read its secret and nothing else."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.agent_id = deployment.agent().agent_id
        fields = {"deliver": True, "key_class": "staging"}
        path = f"/v1/agents/{self.agent_id}/keys"
        issued = deployment.operator("POST", path, fields, Idempotency_Key=fresh("delivery"))
        assert issued.status_code == 201, issued.text
        assert "secret" not in issued.json()
        self.arn: str = issued.json()["secret_arn"]
        self.secrets = deployment.root("secretsmanager")
        self.reader = self._reader()

    def _reader(self) -> Any:
        iam, name = self.deployment.root("iam"), fresh("agent")
        iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": self.arn}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="read-own-key", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return session(self.deployment, "secretsmanager", key)

    def provider(self) -> SecretProvider:
        return SecretProvider(SecretsManagerSource(self.arn, self.reader), ttl=1.0)

    def held(self) -> Agent:
        text = json.loads(self.secrets.get_secret_value(SecretId=self.arn)["SecretString"])
        return Agent(self.agent_id, text["key_id"], text["secret"])

    def stages(self) -> list[list[str]]:
        return sorted(self.secrets.describe_secret(SecretId=self.arn)["VersionIdsToStages"].values())

    def listed(self) -> list[dict[str, Any]]:
        """Newest first."""
        listed = self.deployment.operator("GET", f"/v1/agents/{self.agent_id}/keys?limit=100").json()["keys"]
        return [key for key in listed if key["delivered"]]

    def rotations(self) -> int:
        return len(self.listed()) - 1

    def tidy(self) -> None:
        """Revoke what is two rotations behind, as an operator: rotations come faster here than overlaps end."""
        for key in [key for key in self.listed() if key["state"] == "retiring"][2:]:
            self.deployment.operator("POST", f"/v1/agents/{self.agent_id}/keys/{key['key_id']}/revoke")

    def stand_still(self) -> None:
        """No schedule starts a rotation any more, and none is at work: with one, this is refused."""
        rules = {"ScheduleExpression": "rate(999 days)"}
        deadline = time.monotonic() + 30
        while True:
            try:
                self.secrets.rotate_secret(SecretId=self.arn, RotationRules=rules, RotateImmediately=False)
            except ClientError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return


def await_rotations(deliveries: Sequence[Delivery], numbers: Sequence[int]) -> None:
    """Wait until each has had so many."""

    def reached() -> bool:
        for delivery in deliveries:
            delivery.tidy()
        return all(delivery.rotations() >= number for delivery, number in zip(deliveries, numbers, strict=True))

    until(f"rotations {numbers}", reached)


class Rotation:
    """The rotation function, seen and disturbed from outside."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.iam, self.functions = deployment.root("iam"), deployment.root("lambda")
        self.role = deployment.role_of("KeyRotation").rsplit("/", 1)[1]
        pages = self.functions.get_paginator("list_functions").paginate()
        (self.name,) = (
            each["FunctionName"]
            for page in pages
            for each in page["Functions"]
            if "KeyRotation" in each["FunctionName"]
        )

    def failures(self, step: str) -> list[str]:
        """The secrets of this step's failures so far."""
        log = self.deployment.home.logs / "functions" / f"{self.name}.log"
        lines = log.read_text().splitlines() if log.exists() else ()  # there is none before the first call
        told = [json.loads(line) for line in lines if '"Rotation"' in line and line.startswith("{")]
        return [each["secret_arn"] for each in told if (each["Step"], each["Outcome"]) == (step, "failed")]

    def check(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.functions.invoke(FunctionName=self.name)["Payload"].read())
        return answer

    def fail_once(self, step: str) -> None:
        before = len(self.failures(step))
        with self.broken(step):
            until(f"{step} fails", lambda: len(self.failures(step)) > before)

    @contextmanager
    def broken(self, step: str) -> Iterator[None]:
        """The step fails: its permission is denied, or the API is not where the function was told."""
        if step == TEST:
            with self._misled():
                yield
            return
        statement = {"Effect": "Deny", "Action": BROKEN[step], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam.put_role_policy(RoleName=self.role, PolicyName="break", PolicyDocument=document)
        try:
            yield
        finally:
            self.iam.delete_role_policy(RoleName=self.role, PolicyName="break")

    @contextmanager
    def _misled(self) -> Iterator[None]:
        variables = self.functions.get_function_configuration(FunctionName=self.name)["Environment"]["Variables"]
        wrong = variables | {"API_URL": "http://127.0.0.1:9/local/"}
        self.functions.update_function_configuration(FunctionName=self.name, Environment={"Variables": wrong})
        try:
            yield
        finally:
            self.functions.update_function_configuration(FunctionName=self.name, Environment={"Variables": variables})


class Counted(httpx.HTTPTransport):
    """Remembers every answer, also one after which the SDK tried again."""

    def __init__(self, seen: list[int]) -> None:
        super().__init__()
        self.seen = seen

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        self.seen.append(response.status_code)
        return response


class CountedAsync(httpx.AsyncHTTPTransport):
    """The same on an event loop."""

    def __init__(self, seen: list[int]) -> None:
        super().__init__()
        self.seen = seen

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        self.seen.append(response.status_code)
        return response


class Load:
    """Two agents at work, one blocking and one on an event loop, until told to stop."""

    def __init__(self, url: str, blocking: Delivery, on_loop: Delivery) -> None:
        self.url, self.stop = url, threading.Event()
        self.answers: tuple[list[int], list[int]] = ([], [])
        self.keys: tuple[set[str], set[str]] = (set(), set())
        self.faults: list[Exception] = []
        targets = (lambda: self._blocking(blocking), lambda: asyncio.run(self._on_loop(on_loop)))
        self.threads = [threading.Thread(target=self._guarded, args=(target,)) for target in targets]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as fault:  # noqa: BLE001 whatever it is, the test tells
            self.faults.append(fault)

    def _blocking(self, delivery: Delivery) -> None:
        transport = Counted(self.answers[0])
        with Gateway(self.url, provider=delivery.provider(), transport=transport) as gateway:
            while not self.stop.wait(0.05):
                self.keys[0].add(gateway.whoami().key_id)
                gateway.create_transaction(**PAYMENT, destination={"wallet": WALLET})

    async def _on_loop(self, delivery: Delivery) -> None:
        transport = CountedAsync(self.answers[1])
        async with AsyncGateway(self.url, provider=delivery.provider(), transport=transport) as gateway:
            while not self.stop.is_set():
                self.keys[1].add((await gateway.whoami()).key_id)
                await gateway.create_transaction(**PAYMENT, destination={"wallet": WALLET})
                await asyncio.sleep(0.05)


def test_ten_rotations_of_which_each_step_fails_once_refuse_no_request(deployment: Deployment) -> None:
    rotation, deliveries = Rotation(deployment), (Delivery(deployment), Delivery(deployment))
    with Load(deployment.agent_url, *deliveries) as load:
        for step in STEPS:
            rotation.fail_once(step)
            await_rotations(deliveries, [delivery.rotations() + 1 for delivery in deliveries])
        await_rotations(deliveries, [ROTATIONS for _ in deliveries])
        for delivery in deliveries:
            delivery.stand_still()
        last = [delivery.held().key_id for delivery in deliveries]
        until("the last keys are used", lambda: all(key in load.keys[number] for number, key in enumerate(last)))

    assert load.faults == []
    for number, delivery in enumerate(deliveries):
        assert set(load.answers[number]) == {200, 201}
        assert len(load.keys[number]) > ROTATIONS
        assert delivery.stages() == PREVIOUS_AND_CURRENT
        assert [key["key_id"] for key in delivery.listed() if key["state"] == "active"] == [delivery.held().key_id]


def test_a_rotation_that_was_given_up_is_taken_up_by_the_hourly_check(deployment: Deployment) -> None:
    rotation, delivery = Rotation(deployment), Delivery(deployment)
    with rotation.broken(TEST):
        until("it is given up", lambda: rotation.failures(TEST).count(delivery.arn) >= ATTEMPTS)
        assert ["AWSPENDING"] in delivery.stages()
        with pytest.raises(ClientError, match="isn't complete"):
            delivery.secrets.rotate_secret(SecretId=delivery.arn)

    old = delivery.held()
    assert rotation.check()["done"] >= 1
    new = delivery.held()
    delivery.stand_still()
    assert new.key_id != old.key_id
    for key in (old, new):
        assert deployment.send(deployment.sign(key, "GET", "/v1/whoami")).status_code == 200


def test_the_roles_reach_the_secrets_of_agents_and_the_rotation_those_it_rotates(deployment: Deployment) -> None:
    delivery = Delivery(deployment)
    root = deployment.root("secretsmanager")
    stranger = root.create_secret(Name=fresh("other"), SecretString="{}")["ARN"]
    unrotated = root.create_secret(Name=secret_name("local", fresh("ag")), SecretString="{}")["ARN"]

    role = as_role(deployment, "KeyRotation", "secretsmanager")
    assert role.get_secret_value(SecretId=delivery.arn)["SecretString"]
    for secret in (stranger, unrotated):
        for call in ("get_secret_value", "put_secret_value", "describe_secret"):
            value = {"SecretString": "{}"} if call == "put_secret_value" else {}
            with pytest.raises(ClientError, match="AccessDenied"):
                getattr(role, call)(SecretId=secret, **value)
    for call in ("delete_secret", "rotate_secret"):
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(role, call)(SecretId=delivery.arn)
    operator = as_role(deployment, "OperatorFunction", "secretsmanager")
    for secret in (delivery.arn, stranger):
        with pytest.raises(ClientError, match="AccessDenied"):
            operator.get_secret_value(SecretId=secret)
    with pytest.raises(ClientError, match="AccessDenied"):
        delivery.reader.get_secret_value(SecretId=unrotated)
    delivery.stand_still()
