"""What is overdue is moved on by the minute, also when a run does not come to the end."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.sweeper import handler as sweeper
from portcullis.aws import settings
from portcullis.aws.dynamo import Table
from portcullis.aws.sweep import sweep
from portcullis.aws.wire import Service
from tests.functions.deployed import Agent, Deployed
from tests.functions.settling import claim, executor, item, overdue, payer, spent, suspend

HOUR = 3600 * 1_000_000


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def statuses(stack: Deployed, agent: Agent) -> list[str]:
    mine = [item for item in stack.items() if item["pk"]["S"] == f"AGENT#{agent.agent_id}"]
    return sorted(item["status"]["S"] for item in mine if item["sk"]["S"].startswith("TX#"))


def test_each_overdue_status_goes_where_it_belongs(stack: Deployed) -> None:
    pays = executor(stack)
    agent = payer(stack, pays)
    approved, fresh, held, claimed = (stack.pay(agent, amount).body["id"] for amount in ("1", "2", "200", "4"))
    claim(stack, pays, agent, claimed)
    for txid in (approved, held, claimed):
        overdue(stack, agent, txid)
    assert sweeper.handler({}, Context()) == {"moved": 3, "finished": True}
    assert statuses(stack, agent) == ["approved", "expired", "expired", "needs_reconciliation"]
    assert item(stack, agent, f"TX#{fresh}")["status"]["S"] == "approved"
    assert spent(stack, agent) == 6_000_000
    assert sweeper.handler({}, Context()) == {"moved": 0, "finished": True}


def test_what_a_suspended_agent_holds_is_given_back(stack: Deployed) -> None:
    agent = payer(stack)
    overdue(stack, agent, stack.pay(agent).body["id"])
    suspend(stack, agent)
    assert sweeper.handler({}, Context())["moved"] == 1
    assert spent(stack, agent) == 0


def table(stack: Deployed) -> Table:
    return Table(stack.environment["CORE_TABLE"], Service("dynamodb", settings.aws()))


def for_steps(count: int) -> Callable[[], bool]:
    """There is time for so many steps."""
    steps = itertools.count()
    return lambda: next(steps) < count


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_a_run_that_is_cut_short_is_taken_up_where_it_stopped(stack: Deployed, steps: int) -> None:
    now, paying = 0, []
    for _ in range(3):
        agent = payer(stack)
        paying.append(agent)
        for amount in ("1", "2", "200", "201"):
            created = stack.pay(agent, amount).body["id"]
            now = max(now, int(item(stack, agent, f"TX#{created}")["created_at"]["N"]))
    tomorrow = now + 25 * HOUR
    runs = [sweep(table(stack), tomorrow, for_steps(steps))]
    while not runs[-1].finished:
        assert len(runs) < 40, "it gets nowhere"
        runs.append(sweep(table(stack), tomorrow, for_steps(steps)))
    assert sum(run.moved for run in runs) == 12
    assert len(runs) >= 12 // steps
    for agent in paying:
        assert statuses(stack, agent) == ["expired"] * 4
    (cursor,) = [entry for entry in stack.items() if entry["pk"]["S"] == "SWEEPER"]
    assert set(cursor) == {"pk", "sk"}


def test_what_is_old_but_not_overdue_does_not_keep_a_short_run_from_the_others(stack: Deployed) -> None:
    waiting, other = payer(stack), payer(stack)
    for _ in range(3):
        held = stack.pay(waiting, "200").body["id"]
    late = stack.pay(other).body["id"]
    overdue(stack, other, late)
    soon = int(item(stack, waiting, f"TX#{held}")["created_at"]["N"]) + 120 * 1_000_000
    runs = [sweep(table(stack), soon, for_steps(1)) for _ in range(6)]
    assert sum(run.moved for run in runs) == 1
    assert statuses(stack, other) == ["expired"]
    assert statuses(stack, waiting) == ["pending_approval"] * 3


def test_one_that_cannot_be_read_does_not_hold_up_the_others(
    stack: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = payer(stack)
    broken, whole = (stack.pay(agent).body["id"] for _ in range(2))
    for txid in (broken, whole):
        overdue(stack, agent, txid)
    key = {"pk": {"S": f"AGENT#{agent.agent_id}"}, "sk": {"S": f"TX#{broken}"}}
    name = stack.environment["CORE_TABLE"]
    values: Any = {":unknown": {"S": "zz1"}}
    stack.dynamodb.update_item(
        TableName=name, Key=key, UpdateExpression="SET violations = :unknown", ExpressionAttributeValues=values
    )
    assert sweeper.handler({}, Context()) == {"moved": 1, "finished": True}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [line["txid"] for line in lines if "SweepFault" in line] == [broken]
