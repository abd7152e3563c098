"""The rotation of delivered keys, in every order in which Secrets Manager may call its steps."""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from moto.secretsmanager.models import SecretsManagerBackend, secretsmanager_backends

from functions.key_rotation import handler
from functions.key_rotation.handler import RotationFailed
from functions.operator_api import request
from portcullis.aws import gateway_probe
from portcullis.aws.changes import Conflict
from portcullis.aws.secrets_manager import SecretsManager
from portcullis.domain.key_delivery import DeliveredKey
from portcullis.domain.secret_rotation import CREATE, CURRENT, FINISH, PENDING, SET, STEPS, TEST
from portcullis.domain.times import HOUR, SECOND
from portcullis.protocol import keys, public_keys
from tests.functions.api_events import REGION, STAGE, api_event
from tests.functions.deployed import Agent, Answer, Deployed, unique

ISSUE = "/v1/agents/{agent}/keys"


class Clock:
    """Microseconds, standing still until moved."""

    def __init__(self) -> None:
        self.now = time.time_ns() // 1000


class Context:
    """Lambda's, with time left."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def check() -> dict[str, Any]:
    """What the schedule starts."""
    return handler.handler({"source": "aws.events"}, Context())


class Vault:
    """An agent with a delivered key, and Secrets Manager's side of its rotations: moto rotates nothing by itself."""

    def __init__(self, stack: Deployed, **key: Any) -> None:
        self.stack = stack
        self.agent_id = stack.agent().agent_id
        self.arn = str(self.deliver(**key).body["secret_arn"])
        self.client = boto3.client(
            "secretsmanager",
            endpoint_url=stack.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self.secret.rotation_requested = self.secret.rotation_enabled = True

    @property
    def secret(self) -> Any:
        backend: SecretsManagerBackend = secretsmanager_backends["123456789012"][REGION]
        return backend.secrets[self.arn]

    def deliver(self, retry: str | None = None, **key: Any) -> Answer:
        body = {"deliver": True, "key_class": "development", **key}
        headers = {"Idempotency-Key": retry or unique("delivery")}
        return self.stack.operator("POST", ISSUE, body, headers=headers, agent=self.agent_id)

    def begin(self) -> str:
        """A version without a value, staged AWSPENDING, as RotateSecret makes it."""
        token = unique("token-of-a-rotation")
        self.secret.remove_version_stages_from_old_versions([PENDING])
        self.secret.versions[token] = {"createdate": 0, "version_id": token, "version_stages": [PENDING]}
        return token

    def call(self, token: str, *steps: str) -> None:
        for step in steps:
            handler.handler({"Step": step, "SecretId": self.arn, "ClientRequestToken": token}, None)

    def refused(self, token: str, step: str) -> str:
        with pytest.raises(RotationFailed) as failure:
            self.call(token, step)
        assert "sk_" not in str(failure.value)
        return str(failure.value)

    def rotate(self) -> Agent:
        self.call(self.begin(), *STEPS)
        return self.held()

    def held(self, stage: str = CURRENT) -> Agent:
        """The key that a stage hands out."""
        text = json.loads(self.client.get_secret_value(SecretId=self.arn, VersionStage=stage)["SecretString"])
        return Agent(text["agent_id"], text["key_id"], text["secret"])

    def stages(self) -> dict[str, list[str]]:
        """Versions by their stages, those without left out."""
        found = self.client.describe_secret(SecretId=self.arn)["VersionIdsToStages"]
        return {token: sorted(stages) for token, stages in found.items() if stages}

    def states(self) -> dict[str, str]:
        """The states of the delivered keys."""
        listed = self.stack.operator("GET", ISSUE, agent=self.agent_id).body["keys"]
        return {key["key_id"]: key["state"] for key in listed if key["delivered"]}

    def works(self, agent: Agent) -> bool:
        return self.stack.call(agent, "GET", "/v1/whoami", timestamp=time.time_ns() // SECOND // 1000).status == 200

    def revoke(self, agent: Agent) -> None:
        path = f"{ISSUE}/{{key}}/revoke"
        assert self.stack.operator("POST", path, agent=self.agent_id, key=agent.key_id).status == 200


@pytest.fixture
def vault(reached: Deployed) -> Vault:
    return Vault(reached)


@pytest.fixture
def reached(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """The stack, where the signed request of the test step arrives at the authorizer and the agent API."""

    def get(url: SplitResult, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        answer = stack.send(api_event("GET", path.removeprefix(f"/{STAGE}"), "", headers, b""))
        return answer.status, json.dumps(answer.body).encode()

    monkeypatch.setattr(gateway_probe, "_get", get)
    yield stack
    secretsmanager_backends["123456789012"][REGION].reset()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time_ns", lambda: clock.now * 1000)
    return clock


def test_the_old_key_works_until_its_end_and_not_a_second_longer(vault: Vault, clock: Clock) -> None:
    old, end = vault.held(), clock.now + 24 * HOUR
    new = vault.rotate()

    assert (vault.held("AWSPREVIOUS"), vault.states()) == (old, {old.key_id: "retiring", new.key_id: "active"})
    assert len(vault.stages()) == 2
    clock.now = end - SECOND
    assert vault.works(old)
    assert vault.works(new)
    clock.now = end
    assert not vault.works(old)
    assert vault.works(new)


def test_the_successor_is_what_the_old_key_was(reached: Deployed) -> None:
    fields = {
        "scopes": ["transactions:read"],
        "ip_ranges": ["198.51.100.0/24"],  # the test step calls from elsewhere, and takes that refusal for a success
        "rate": {"per_minute": 30, "burst": 3},
        "expires_at": "2099-01-01T00:00:00.000Z",
    }
    vault = Vault(reached, **fields)
    old = vault.held()
    new = vault.rotate()
    (listed,) = [
        key for key in reached.operator("GET", ISSUE, agent=vault.agent_id).body["keys"] if key["key_id"] == new.key_id
    ]
    assert listed | fields | {"parent": old.key_id, "key_class": "development"} == listed


def test_every_step_again_changes_nothing(vault: Vault) -> None:
    token = vault.begin()
    for step in STEPS:
        vault.call(token, step)
        before = (vault.stack.items(), vault.stages(), vault.held())
        vault.call(token, step)
        vault.call(token, *STEPS[: STEPS.index(step)])
        assert without_calls(before[0]) == without_calls(vault.stack.items())
        assert before[1:] == (vault.stages(), vault.held())


def without_calls(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Everything but the rate of calls, which each test request counts for."""
    return [item for item in items if item["sk"] != {"S": "CALLS"}]


def test_a_step_before_its_turn_is_refused_and_the_rotation_goes_on(vault: Vault) -> None:
    token, old = vault.begin(), vault.held()
    for done, steps in (((), (SET, TEST, FINISH)), ((CREATE,), (TEST, FINISH))):
        vault.call(token, *done)
        for step in steps:
            assert "has to come before" in vault.refused(token, step)
    assert vault.held() == old
    assert vault.states() == {old.key_id: "active"}
    vault.call(token, *STEPS)
    assert vault.held() != old


def test_a_version_that_is_not_being_rotated_is_refused(vault: Vault) -> None:
    stale = vault.begin()
    vault.begin()
    for step in STEPS:
        assert "not staged AWSPENDING" in vault.refused(stale, step)
        assert "no version with this token" in vault.refused("another-token", step)
    assert vault.states() == {vault.held().key_id: "active"}


def test_a_secret_that_does_not_rotate_or_is_deleted_is_refused(vault: Vault) -> None:
    token = vault.begin()
    vault.secret.rotation_enabled = False
    assert "rotation is not enabled" in vault.refused(token, CREATE)
    vault.secret.rotation_enabled = True
    vault.client.delete_secret(SecretId=vault.arn)
    assert "deleted" in vault.refused(token, CREATE)
    answer = vault.deliver()
    assert (answer.status, answer.code) == (409, "state_conflict")


def test_a_call_of_another_form_is_refused(stack: Deployed) -> None:
    events: list[dict[str, Any]] = [{"Step": "dropSecret"}, {"Step": CREATE}, {"Step": CREATE, "SecretId": ["x"]}]
    for event in events:
        with pytest.raises(RotationFailed, match="expected"):
            handler.handler(event, Context())


def test_a_crash_after_the_new_key_was_handed_out_leaves_nothing_that_a_repeat_does_not_finish(vault: Vault) -> None:
    token, old = vault.begin(), vault.held()
    vault.call(token, CREATE, SET, TEST)
    (current,) = [each for each, stages in vault.stages().items() if CURRENT in stages]
    vault.client.update_secret_version_stage(
        SecretId=vault.arn, VersionStage=CURRENT, MoveToVersionId=token, RemoveFromVersionId=current
    )
    assert vault.states()[old.key_id] == "active"
    assert check() == {"done": 1}
    assert vault.states() == {old.key_id: "retiring", vault.held().key_id: "active"}
    assert vault.stages() == {current: ["AWSPREVIOUS"], token: [CURRENT]}


@pytest.mark.parametrize("done", [(), (CREATE, SET)])
def test_the_check_takes_up_what_was_given_up_at_any_step(vault: Vault, done: tuple[str, ...]) -> None:
    token, old = vault.begin(), vault.held()
    vault.call(token, *done)
    assert check() == {"done": 1}
    assert vault.states() == {old.key_id: "retiring", vault.held().key_id: "active"}
    assert sorted(vault.stages().values()) == [[CURRENT], ["AWSPREVIOUS"]]
    assert vault.stages()[token] == [CURRENT]
    assert check() == {}


def test_the_key_of_a_rotation_that_another_took_over_is_revoked(vault: Vault) -> None:
    stray, old = vault.begin(), vault.held()
    vault.call(stray, CREATE, SET)
    never_current = vault.held(PENDING)
    assert vault.works(never_current)
    new = vault.rotate()
    assert vault.states() == {old.key_id: "retiring", never_current.key_id: "revoked", new.key_id: "active"}


def test_a_pending_key_that_was_revoked_gives_way_to_the_next_rotation(vault: Vault) -> None:
    token = vault.begin()
    vault.call(token, CREATE, SET)
    dead = vault.held(PENDING)
    vault.revoke(dead)
    assert "revoked" in vault.refused(token, SET)
    assert token not in vault.stages()
    assert vault.rotate().key_id != dead.key_id
    assert vault.states()[dead.key_id] == "revoked"


def test_a_rotation_brings_no_revoked_key_back_and_the_operator_delivers_anew(vault: Vault) -> None:
    old = vault.held()
    vault.revoke(old)
    token = vault.begin()
    assert "deliver a new one" in vault.refused(token, CREATE)
    assert vault.states() == {old.key_id: "revoked"}
    answer = vault.deliver()
    assert (answer.status, answer.body["secret_arn"]) == (201, vault.arn)
    assert vault.works(vault.held())
    assert vault.rotate().key_id != answer.body["key_id"]


@pytest.mark.parametrize("done", [(), (CREATE,)])
def test_a_suspended_agent_gets_no_key_and_the_rotation_waits(vault: Vault, done: tuple[str, ...]) -> None:
    token = vault.begin()
    vault.call(token, *done)
    suspended = vault.stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "drill"}, agent=vault.agent_id)
    assert suspended.status == 200
    assert "suspended" in vault.refused(token, STEPS[len(done)])
    assert check() == {"postponed": 1}
    assert vault.stages()[token] == [PENDING]
    assert len(vault.states()) == 1


def test_a_pending_version_that_somebody_else_wrote_issues_nothing(vault: Vault) -> None:
    other = keys.new_key_id(STAGE, "0", b"somebody else's choice")
    derived = request.stores().roots.secret_of(other)
    assert derived is not None
    for agent, named in ((vault.agent_id, "not its own"), (vault.stack.agent().agent_id, "another stage or agent")):
        token = vault.begin()
        text = DeliveredKey(other, agent, derived).text()
        vault.client.put_secret_value(
            SecretId=vault.arn, SecretString=text, ClientRequestToken=token, VersionStages=[PENDING]
        )
        assert named in vault.refused(token, SET)
        assert token not in vault.stages()
    assert other not in vault.states()


def test_a_key_that_the_gateway_does_not_take_is_not_handed_out(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    token, old = vault.begin(), vault.held()
    vault.call(token, CREATE, SET)
    monkeypatch.setattr(gateway_probe, "_get", lambda *_: (401, b'{"code": "invalid_credentials"}'))
    for step in (TEST, FINISH):
        assert "invalid_credentials" in vault.refused(token, step)
    monkeypatch.setattr(gateway_probe, "_get", lambda *_: (502, b"<html>"))
    assert "502" in vault.refused(token, TEST)
    with pytest.raises(RotationFailed, match="1 rotations are not complete"):
        check()
    assert vault.held() == old


def test_a_delivery_again_is_the_same_and_a_second_one_is_refused(vault: Vault) -> None:
    retry = unique("delivery")
    second = vault.deliver(retry)
    assert (second.status, second.code) == (409, "state_conflict")
    assert vault.held().key_id in second.body["detail"]
    vault.revoke(vault.held())
    first = vault.deliver(retry)
    again = vault.deliver(retry)
    assert (first.status, first.body) == (201, again.body)
    assert "secret" not in first.body
    assert len(vault.stages()) == 2


def test_a_delivery_is_refused_before_anything_is_made(stack: Deployed) -> None:
    agent = stack.agent()
    before = stack.items()
    keyless = stack.operator("POST", ISSUE, {"deliver": True}, agent=agent.agent_id)
    assert (keyless.status, keyless.body["field"]) == (400, "Idempotency-Key")
    public_key = public_keys.encode_ed25519(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    public = {"deliver": True, "public_key": public_key}
    headers = {"Idempotency-Key": unique("delivery")}
    answer = stack.operator("POST", ISSUE, public, headers=headers, agent=agent.agent_id)
    assert (answer.status, answer.body["field"]) == (400, "deliver")
    assert stack.items() == before


def test_a_rotation_now_needs_a_secret(stack: Deployed) -> None:
    with pytest.raises(Conflict, match="no secret"):
        request.stores().deliveries.rotate_now(stack.agent().agent_id, unique("rotation"))


def test_an_operator_starts_a_rotation_of_the_key_in_the_secret(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    old, path, headers = vault.held(), f"{ISSUE}/{{key}}/rotate", {"Idempotency-Key": unique("rotation")}
    started: list[str] = []
    # moto wants a function of Lambda's to be there.
    monkeypatch.setattr(SecretsManager, "rotate", lambda self, arn, token, **rules: started.append(arn))
    answer = vault.stack.operator("POST", path, headers=headers, agent=vault.agent_id, key=old.key_id)
    assert (answer.status, answer.body, started) == (202, {"secret_arn": vault.arn}, [vault.arn])
    vault.rotate()
    late = vault.stack.operator("POST", path, agent=vault.agent_id, key=old.key_id)
    assert (late.status, late.code, len(started)) == (409, "state_conflict", 1)
