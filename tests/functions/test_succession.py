"""Keys and their successors: changed in one write, by lineage revoked, ended ones tidied away."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256

import pytest

from functions.operator_api import request
from portcullis.aws import accounts, key_issuing, key_records, key_revoking, key_succession, settings
from portcullis.aws.changes import Actor, Conflict
from portcullis.aws.dynamo import Table
from portcullis.aws.wire import Service
from portcullis.domain.account import MAX_LIVE_KEYS
from portcullis.domain.times import HOUR, SECOND
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import keys
from tests.functions.api_events import STAGE
from tests.functions.deployed import Agent, Deployed, unique


def actor() -> Actor:
    return Actor("arn:aws:iam::123456789012:user/operator", "198.51.100.4", time.time_ns() // 1000)


def record(agent: Agent) -> KeyRecord:
    found = key_records.read(request.stores().table, agent.key_id)
    assert found is not None
    return found


def successor(agent: Agent, **changes: object) -> KeyRecord:
    key_id = keys.new_key_id(STAGE, "0", sha256(unique().encode()).digest())
    fresh = replace(record(agent), key_id=key_id, version=1, state="active", ends_at=None, parent=agent.key_id)
    return replace(fresh, **changes)  # type: ignore[arg-type]


def own_table(stack: Deployed) -> Table:
    """A table with a connection of its own, for a thread."""
    return Table(stack.environment["CORE_TABLE"], Service("dynamodb", settings.aws()))


def succeed(agent: Agent, new: KeyRecord, overlap: int = HOUR) -> Agent:
    key_succession.succeed(request.stores().table, actor(), agent.key_id, new, overlap)
    secret = request.stores().roots.secret_of(new.key_id)
    assert secret is not None
    return Agent(agent.agent_id, new.key_id, secret)


def code(stack: Deployed, agent: Agent) -> str | None:
    return stack.pay(agent).code


def live(agent: Agent) -> set[str]:
    account = accounts.read(request.stores().table, agent.agent_id)
    assert account is not None
    return {name.split("#")[0] for name in account.live_keys}


def body(agent: Agent) -> str:
    return keys.parse_key_id(agent.key_id).body


def test_both_keys_pay_in_the_overlap(stack: Deployed) -> None:
    old = stack.agent()
    new = succeed(old, successor(old))

    assert code(stack, old) is code(stack, new) is None
    assert (record(old).state, record(old).successor) == ("retiring", new.key_id)
    assert record(new).epoch == record(old).epoch == 1


def test_without_overlap_the_old_key_pays_nothing_from_that_write_on(stack: Deployed) -> None:
    old = stack.agent()
    assert code(stack, old) is None  # its record is cached now, and says active
    new = succeed(old, successor(old), 0)

    assert code(stack, old) == "invalid_credentials"
    assert code(stack, new) is None
    assert live(old) == {body(new)}


def test_again_changes_nothing(stack: Deployed) -> None:
    old = stack.agent()
    wanted = successor(old)
    succeed(old, wanted)
    before = stack.items()
    succeed(old, wanted)
    assert stack.items() == before


def test_once_means_one_successor_however_many_ask(stack: Deployed) -> None:
    old = stack.agent()
    wanted = [successor(old) for _ in range(4)]

    def attempt(new: KeyRecord) -> str:
        try:
            key_succession.succeed(own_table(stack), actor(), old.key_id, new, HOUR, once=True)
            return new.key_id
        except Conflict:
            return ""

    with ThreadPoolExecutor(4) as threads:
        made = [key_id for key_id in threads.map(attempt, wanted) if key_id]
    assert len(made) == 1
    assert record(old).successor == made[0]
    assert len(live(old)) == 2


def test_an_end_never_moves_to_later(stack: Deployed) -> None:
    old = stack.agent()
    soon = actor().now + 60 * SECOND
    key_issuing.retire(request.stores().table, actor(), old.agent_id, old.key_id, soon)
    succeed(old, successor(old), 24 * HOUR)
    assert record(old).ends_at == soon


def revoked(agent: Agent) -> None:
    key_revoking.revoke(request.stores().table, actor(), agent.agent_id, agent.key_id)


def suspended(agent: Agent) -> None:
    key_revoking.revoke_all(request.stores().table, actor(), agent.agent_id, STAGE)


@pytest.mark.parametrize("stop", [revoked, suspended])
def test_a_key_that_is_gone_has_no_successor(stack: Deployed, stop: Callable[[Agent], None]) -> None:
    old = stack.agent()
    new = successor(old)
    stop(old)
    with pytest.raises(Conflict, match="revoked"):
        succeed(old, new)


@pytest.mark.parametrize("end", ["the first", "the last"])
def test_a_lineage_ends_as_a_whole(stack: Deployed, end: str) -> None:
    first = stack.agent()
    second = succeed(first, successor(first, lineage=first.key_id))
    third = succeed(second, successor(second, lineage=first.key_id))
    apart = succeed(third, successor(third, lineage=None))
    revoked(first if end == "the first" else third)

    assert [record(each).state for each in (first, second, third, apart)] == ["revoked"] * 3 + ["active"]
    assert live(first) == {body(apart)}
    assert code(stack, apart) is None


def test_all_keys_of_an_agent_end_also_while_it_is_suspended(stack: Deployed) -> None:
    agent = stack.agent()
    other = succeed(agent, successor(agent))
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "leak"}, agent=agent.agent_id)
    suspended(agent)
    assert {record(agent).state, record(other).state} == {"revoked"}


def test_ended_keys_make_room(stack: Deployed) -> None:
    agent = stack.agent()
    for _ in range(MAX_LIVE_KEYS - 1):
        key_issuing.issue(request.stores().table, actor(), successor(agent, ends_at=actor().now + HOUR))
    assert len(live(agent)) == MAX_LIVE_KEYS
    with pytest.raises(Conflict, match="8 live keys"):
        key_issuing.issue(request.stores().table, actor(), successor(agent))

    later = replace(actor(), now=actor().now + 2 * HOUR)
    key_issuing.issue(request.stores().table, later, successor(agent))
    assert len(live(agent)) == 2
