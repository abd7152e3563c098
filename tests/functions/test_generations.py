"""Generations of the root: an id names its own, new ids the current one, and one that is gone has no secret."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from functions.key_census import handler
from functions.operator_api import request
from portcullis.aws import key_census, key_revoking, settings
from portcullis.aws.changes import Actor
from portcullis.domain.key_census import Census
from portcullis.domain.times import DAY, HOUR
from tests.functions import deployed
from tests.functions.deployed import Agent, Answer, Deployed
from tests.functions.fleet import fleet
from tests.functions.people import People


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def move_on(stack: Deployed) -> None:
    item = {"pk": {"S": "ROOT"}, "sk": {"S": "GENERATION"}, "generation": {"S": "1"}}
    stack.dynamodb.put_item(TableName=stack.environment["CORE_TABLE"], Item=item)


def without_the_first(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAC_KEYS", f"1={stack.roots['1']}")
    deployed.forget()


def generation(agent: Agent) -> str:
    return agent.key_id.removeprefix("pk_test_")[0]


def status(stack: Deployed, agent: Agent) -> tuple[int, str | None]:
    answer = stack.call(agent, "GET", "/v1/whoami")
    return answer.status, answer.code


def test_keys_of_both_generations_work_side_by_side(stack: Deployed) -> None:
    old = stack.agent()
    move_on(stack)
    new = stack.agent()

    assert (generation(old), generation(new)) == ("0", "1")
    assert status(stack, old) == status(stack, new) == (200, None)


def test_a_generation_that_is_gone_has_no_keys(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    old = stack.agent()
    move_on(stack)
    new = stack.agent()
    without_the_first(stack, monkeypatch)

    assert status(stack, old) == (401, "invalid_credentials")
    assert status(stack, new) == (200, None)


def root(stack: Deployed) -> dict[str, dict[str, Any]]:
    """What is said of each generation."""
    shown = stack.operator("GET", "/v1/root").body
    return {each["generation"]: each for each in shown["generations"]}


def advance(stack: Deployed, generation: str) -> Answer:
    return stack.operator("POST", "/v1/root/generation", {"generation": generation})


def census(stack: Deployed, later: int = 0, more: Callable[[], bool] = lambda: True) -> Census | None:
    """A run of the census, ``later`` microseconds from now."""
    own = settings.key_census()
    return key_census.take(request.stores().table, own.stage, own.rotation, time.time_ns() // 1000 + later, more)


def test_the_root_advances_once_and_never_goes_back(stack: Deployed) -> None:
    stack.agent()
    assert advance(stack, "2").body["field"] == "generation"
    assert [advance(stack, "1").status for _ in range(2)] == [200, 200]
    assert advance(stack, "0").code == "state_conflict"
    assert generation(stack.agent()) == "1"
    assert len([item for item in stack.items() if item.get("type") == {"S": "root.advanced"}]) == 1


def test_a_root_can_go_when_a_count_after_the_advance_finds_nothing_of_it(stack: Deployed) -> None:
    old = stack.agent()
    assert handler.handler({}, Context()) == {"finished": True}
    assert (root(stack)["0"]["keys"], root(stack)["0"]["obstacle"]) == (1, "new ids name it, or will")
    advance(stack, "1")
    assert "not counted since" in root(stack)["0"]["obstacle"]
    census(stack, HOUR)
    assert "1 keys of it are valid" in root(stack)["0"]["obstacle"]
    key_revoking.revoke(request.stores().table, Actor("test", "", time.time_ns() // 1000), old.agent_id, old.key_id)
    census(stack, HOUR)
    assert root(stack)["0"]["obstacle"] is None


def test_an_approver_of_it_keeps_a_root(stack: Deployed, people: People) -> None:
    people.first()
    advance(stack, "1")
    census(stack, HOUR)
    assert "1 approvers" in root(stack)["0"]["obstacle"]


def test_a_count_that_is_cut_short_goes_on_where_it_stopped(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_census, "MOST_KEYS", 10)
    fleet(stack, 45, 2)
    pages = iter([True, True, False])
    assert census(stack, more=lambda: next(pages)) is None
    assert key_census.last(request.stores().table) is None
    whole = census(stack)
    assert whole is not None
    assert whole.keys == {"0": 91}


def test_what_is_older_than_its_class_allows_is_counted_by_class(
    stack: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    now = time.time_ns() // 1000
    fleet(stack, 2, created_at=now - 9 * DAY, key_class="high_value")
    fleet(stack, 2, created_at=now - 9 * DAY)
    fleet(stack, 1, created_at=now - 9 * DAY, key_class="high_value", state="retiring", ends_at=now + HOUR)
    handler.handler({}, Context())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"OverdueKeys"' in line]
    overdue = {line["Class"]: line["OverdueKeys"] for line in lines}
    assert overdue == {"development": 0, "staging": 0, "production": 0, "high_value": 2}


def test_what_cannot_be_read_keeps_a_root(stack: Deployed) -> None:
    (key,) = fleet(stack, 1)
    stack.dynamodb.update_item(
        TableName=stack.environment["CORE_TABLE"],
        Key={"pk": {"S": f"KEY#{key.key_id}"}, "sk": {"S": "KEY"}},
        UpdateExpression="REMOVE scopes",
    )
    advance(stack, "1")
    census(stack, HOUR)
    assert "1 agents or keys could not be read" in root(stack)["0"]["obstacle"]
