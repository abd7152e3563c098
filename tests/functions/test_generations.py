"""Generations of the root: an id names its own, new ids the current one, and one that is gone has no secret."""

import pytest

from tests.functions import deployed
from tests.functions.deployed import Agent, Deployed


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
