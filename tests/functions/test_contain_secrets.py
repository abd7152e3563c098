"""What an agent could reach is rotated once for an incident; what nothing rotates is named, and no value is read."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from moto.secretsmanager.models import SecretsManagerBackend, secretsmanager_backends

from functions.contain_secrets import handler as contain_secrets
from functions.key_rotation.handler import RotationFailed
from functions.operator_api import request
from portcullis.aws import accounts, changes, incidents, wire
from portcullis.aws.changes import Actor, Change
from portcullis.aws.dynamo import Cancelled
from portcullis.aws.reachable_secrets import NotRotated
from portcullis.aws.secrets_manager import SecretsManager
from portcullis.domain.incidents import BY_OPERATOR, Trigger, opened
from portcullis.domain.reachable_secrets import TAG, is_rotated, token_of
from portcullis.domain.secret_rotation import CREATE, CURRENT, PENDING, SET, STEPS, Secret
from portcullis.domain.step_outcomes import failure
from tests.functions.api_events import REGION
from tests.functions.deployed import Deployed
from tests.functions.test_secret_rotation import Vault, reached, vault
from tests.unit.domain.builders import NOW

__all__ = ["reached", "vault"]
INCIDENT = "in_" + "1" * 22
AGENT, OTHER = "ag_" + "1" * 22, "ag_" + "2" * 22


class Team:
    """The team's secrets. moto rotates one at once when it is asked to, unless its function is ``broken``; while a
    version is pending, that is refused, and is ``tried_again`` or not."""

    def __init__(self, stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
        self.broken: set[str] = set()
        self.tried_again = False
        call = wire.Service.json_call

        def json_call(service: wire.Service, target: str, *rest: Any) -> dict[str, Any]:
            return self._rotate(rest[-1]) if target.endswith(".RotateSecret") else call(service, target, *rest)

        monkeypatch.setattr(wire.Service, "json_call", json_call)
        self.client = boto3.client(
            "secretsmanager",
            endpoint_url=stack.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self._backend: SecretsManagerBackend = secretsmanager_backends["123456789012"][REGION]

    def secret(self, name: str, reachable_by: str | None, *, rotates: bool = True) -> None:
        tags = [{"Key": TAG, "Value": reachable_by}] if reachable_by else []
        self.client.create_secret(Name=name, SecretString="before", Tags=tags)
        stored: Any = self._backend.secrets[name]
        stored.rotation_enabled = stored.rotation_requested = rotates

    def _rotate(self, payload: dict[str, Any]) -> dict[str, Any]:
        found = self.client.describe_secret(SecretId=payload["SecretId"])
        name, token = found["Name"], payload["ClientRequestToken"]
        pending = any(PENDING in stages and CURRENT not in stages for stages in found["VersionIdsToStages"].values())
        if name in self.broken and not pending:
            self.pend(name, token)
        elif name not in self.broken and (self.tried_again or not pending):
            self.client.rotate_secret(SecretId=name, ClientRequestToken=token)
        if pending:
            raise wire.AwsError("InvalidRequestException", 400, {})
        return {}

    def pend(self, name: str, token: str) -> None:
        """As where its function has not finished."""
        stored: Any = self._backend.secrets[name]
        stored.versions[token] = {"createdate": 0, "version_id": token, "version_stages": [PENDING]}

    def versions(self, name: str) -> int:
        return len(self.client.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"])


@pytest.fixture
def team(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    caches = contain_secrets.secrets, contain_secrets.core
    for cache in caches:
        cache.cache_clear()
    team = Team(stack, monkeypatch)
    yield team
    for cache in caches:
        cache.cache_clear()
    secretsmanager_backends["123456789012"][REGION].reset()


def store(agent: str, incident: str) -> None:
    """The incident, unless it is there."""
    trigger = Trigger(BY_OPERATOR, "stolen", "gateway", "", NOW, 8)
    opening = Change(incidents.OPENED, {})
    told = changes.event_put(
        Actor("gateway", "", NOW), incident, incidents.events_partition(incident), 1, opening, agent
    )
    with suppress(Cancelled):
        item = incidents.to_item(opened(incident, agent, 2, trigger))
        request.stores().table.transact(changes.put_new(item), told)


def step(agent: str = AGENT, incident: str = INCIDENT) -> dict[str, Any]:
    store(agent, incident)
    return contain_secrets.handler({"incident": incident, "agent": agent, "step": "secrets"}, None)


def test_what_the_agent_could_reach_is_rotated_and_nothing_else(team: Team) -> None:
    team.secret("bank", AGENT)
    team.secret("provider", "all-agents")
    team.secret("shared", f"{OTHER} {AGENT}")
    team.secret("others", OTHER)
    team.secret("untagged", None)
    team.secret("typed", "all-agents", rotates=False)
    assert step() == {
        "rotated": ["bank", "provider", "shared"],
        "rotated_in_all": 3,
        "by_hand": ["typed"],
        "by_hand_in_all": 1,
    }
    names = ("bank", "provider", "shared", "others", "untagged", "typed")
    assert [team.versions(name) for name in names] == [2, 2, 2, 1, 1, 1]


def test_one_incident_makes_one_version_and_another_one_another(team: Team) -> None:
    team.secret("bank", AGENT)
    first = step()
    assert step() == first
    assert team.versions("bank") == 2
    step(incident="in_" + "2" * 22)
    assert team.versions("bank") == 3


def test_what_fails_is_named_and_stands_in_the_way_of_nothing_else(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portcullis.aws.reachable_secrets.WAITS", 1)
    for name in ("bank", "refused", "slow"):
        team.secret(name, AGENT)
    team.pend("slow", token_of(INCIDENT))
    call = wire.Service.json_call

    def refusing(self: wire.Service, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
        if target.endswith("RotateSecret") and ":refused-" in payload["SecretId"]:
            raise wire.AwsError("AccessDeniedException", 400, {})
        assert not target.endswith("GetSecretValue")
        return call(self, target, version, payload)

    monkeypatch.setattr(wire.Service, "json_call", refusing)
    with pytest.raises(NotRotated) as refusal:
        step()
    told, _, remedy = str(refusal.value).partition(". ")
    assert told == "refused: AccessDeniedException (HTTP 400); slow: its rotation is not complete"
    assert "--secret-id slow" in remedy
    assert [team.versions(name) for name in ("bank", "refused", "slow")] == [2, 1, 2]


@pytest.mark.parametrize("tried_again", [True, False])
def test_a_rotation_that_was_given_up_is_completed_by_another_run_once_it_is_mended(
    team: Team, monkeypatch: pytest.MonkeyPatch, tried_again: bool
) -> None:
    """Whether or not Secrets Manager tries it again: what stands in the way is taken away by the command it names."""
    monkeypatch.setattr("portcullis.aws.reachable_secrets.WAITS", 1)
    team.secret("bank", AGENT)
    team.broken, team.tried_again = {"bank"}, tried_again
    for _ in range(2):
        with pytest.raises(NotRotated, match=r"^bank: its rotation is not complete"):
            step()
    team.broken = set()
    if not tried_again:
        unstage(team, command())
    assert step()["rotated"] == ["bank"]
    assert team.client.describe_secret(SecretId="bank")["VersionIdsToStages"][token_of(INCIDENT)] == [CURRENT]


def test_what_another_rotation_has_left_is_taken_away_by_the_command_too(team: Team) -> None:
    team.secret("bank", AGENT)
    team.pend("bank", "11111111-2222-3333-4444-555555555555")
    with pytest.raises(NotRotated, match=r"^bank: InvalidRequestException .*-555555555555$"):
        step()
    unstage(team, command())
    assert step()["rotated"] == ["bank"]


def test_the_command_is_kept_whole_where_many_fail(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portcullis.aws.reachable_secrets.WAITS", 1)
    for number in range(9):
        team.secret(f"{number}-{'long-' * 12}", AGENT)
        team.broken.add(f"{number}-{'long-' * 12}")
    assert command()[-1] == token_of(INCIDENT)


def command() -> list[str]:
    """What a person is told to run, as the incident keeps it."""
    with pytest.raises(NotRotated) as told:
        step()
    kept = failure({"Error": "NotRotated", "Cause": json.dumps({"errorMessage": str(told.value)})})["cause"]
    return kept.partition("resume: ")[2].split()


def unstage(team: Team, words: list[str]) -> None:
    assert words[:3] == ["aws", "secretsmanager", "update-secret-version-stage"]
    given = dict(zip(words[3::2], words[4::2], strict=True))
    team.client.update_secret_version_stage(
        SecretId=given.pop("--secret-id"),
        VersionStage=given.pop("--version-stage"),
        RemoveFromVersionId=given.pop("--remove-from-version-id"),
    )
    assert not given


def test_it_waits_for_a_rotation_that_takes_its_time(team: Team) -> None:
    team.secret("bank", AGENT)
    token, waited = token_of(INCIDENT), list[float]()
    team.pend("bank", token)

    def finish(seconds: float) -> None:
        waited.append(seconds)
        team.client.put_secret_value(SecretId="bank", SecretString="after", ClientRequestToken=token)

    contain_secrets.secrets()._sleep = finish
    assert step()["rotated"] == ["bank"]
    assert waited == [1.0]


def test_the_result_stays_small(team: Team) -> None:
    for number in range(20):
        team.secret(f"{number:02d}-{'x' * 400}", AGENT, rotates=number % 2 == 0)
    result = step()
    assert (result["rotated_in_all"], result["by_hand_in_all"]) == (10, 10)
    assert len(json.dumps(result)) < 2_048


@pytest.mark.parametrize(
    ("stages", "rotated"), [([], False), ([PENDING], False), ([CURRENT, PENDING], True), (["AWSPREVIOUS"], True)]
)
def test_a_version_is_rotated_when_it_was_handed_out(stages: list[str], rotated: bool) -> None:
    assert is_rotated(Secret("arn", "name", True, False, {"token": frozenset(stages)}), "token") is rotated


def test_no_rotation_of_the_agents_own_key_makes_a_live_one(vault: Vault, team: Team) -> None:
    team.client.tag_resource(SecretId=vault.arn, Tags=[{"Key": TAG, "Value": "all-agents"}])
    token = vault.begin()
    vault.call(token, CREATE, SET)
    table = request.stores().table
    incident = incidents.contain(table, vault.agent_id, Trigger(BY_OPERATOR, "drill", "arn", "::1", NOW, 8))
    assert incident is not None
    before = vault.stages()
    assert step(vault.agent_id, incident.id)["rotated_in_all"] == 0
    assert vault.stages() == before
    for started in (token, vault.begin()):
        for each in STEPS:
            with suppress(RotationFailed):
                vault.call(started, each)
    account = accounts.read(table, vault.agent_id)
    assert account is not None
    assert not account.live_keys
    assert vault.stack.pay(vault.held()).code == "agent_suspended"


def test_only_tags_of_the_key_asked_for_count(team: Team) -> None:
    team.secret("near", None)
    team.client.tag_resource(SecretId="near", Tags=[{"Key": f"{TAG}-not", "Value": AGENT}])
    manager: SecretsManager = contain_secrets.secrets()._secrets
    assert list(manager.tagged(TAG)) == []
