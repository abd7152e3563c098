"""Rates: the agent's and the key's, of payments and of other calls, exact under concurrency, and told in the answer."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from portcullis.aws import settings
from portcullis.aws.calls import FORGET_AFTER, Admission, Calls
from portcullis.aws.dynamo import Table
from portcullis.aws.wire import Service
from portcullis.domain.rate import Rate, claims, key_tat
from portcullis.domain.times import SECOND, rfc3339
from portcullis.protocol import keys
from tests.functions import deployed
from tests.functions.deployed import POLICY, Agent, Deployed

NO_REFILL = {"per_minute": 1, "burst": 3}
SLOW = {**POLICY, "rate": {"per_minute": 1, "burst": 100}}


def item(stack: Deployed, agent: Agent, sk: str = "ACCOUNT") -> dict[str, Any]:
    """One item of an agent, as DynamoDB's JSON."""
    key = {"pk": {"S": f"AGENT#{agent.agent_id}"}, "sk": {"S": sk}}
    found: dict[str, Any] = stack.dynamodb.get_item(TableName=stack.environment["CORE_TABLE"], Key=key)["Item"]
    return found


def kept(agent: Agent) -> str:
    """The attribute in which the key's TAT is kept."""
    return key_tat(keys.parse_key_id(agent.key_id).body)


def second_key(stack: Deployed, agent: Agent, **fields: Any) -> Agent:
    issued = stack.operator("POST", "/v1/agents/{agent}/keys", fields, agent=agent.agent_id)
    assert issued.status == 201, issued.body
    return Agent(agent.agent_id, issued.body["key_id"], issued.body["secret"])


def test_a_key_has_a_rate_of_its_own_within_its_agents(stack: Deployed) -> None:
    limited = stack.agent(rate=NO_REFILL)
    other = second_key(stack, limited)
    assert [stack.pay(limited, "1").status for _ in range(4)] == [201, 201, 201, 429]
    assert stack.pay(other, "1").status == 201
    assert kept(limited) in item(stack, limited)
    assert kept(other) not in item(stack, other), "a key without a rate costs the account nothing"


def test_an_agents_rate_holds_over_all_its_keys(stack: Deployed) -> None:
    first = stack.agent({**POLICY, "rate": NO_REFILL})
    second = second_key(stack, first, rate={"per_minute": 600, "burst": 100})
    assert [stack.pay(key, "1").status for key in (first, second, first, second)] == [201, 201, 201, 429]


def test_a_refusal_tells_when_to_come_again_and_what_the_limits_are(stack: Deployed) -> None:
    agent = stack.agent(SLOW, rate={"per_minute": 1, "burst": 1})
    admitted, refused = stack.pay(agent, "1"), stack.pay(agent, "1")
    assert admitted.headers["RateLimit-Policy"] == '"agent";q=100;w=6000, "key";q=1;w=60'
    assert admitted.headers["RateLimit"] == '"agent";r=99, "key";r=0;t=60'
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert refused.headers["RateLimit-Policy"] == admitted.headers["RateLimit-Policy"]
    assert '"key";r=0;t=' in refused.headers["RateLimit"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_a_denial_counts_for_the_rate_and_tells_it(stack: Deployed) -> None:
    denied = stack.pay(stack.agent(SLOW), "501")
    assert (denied.code, denied.headers["RateLimit"]) == ("policy_denied", '"agent";r=99')


def test_other_calls_have_a_rate_of_their_own(stack: Deployed) -> None:
    agent = stack.agent({**POLICY, "call_rate": NO_REFILL})
    answers = [stack.call(agent, "GET", "/v1/whoami") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit"] == '"agent-calls";r=2'
    assert answers[3].headers["RateLimit-Policy"] == '"agent-calls";q=3;w=180'
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    path = f"/v1/transactions/{stack.pay(agent, '1').body['id']}"
    assert stack.call(agent, "GET", path).code == "rate_limited"
    assert stack.pay(agent, "1").status == 201, "reads use up no payment"


def test_a_keys_rate_holds_for_other_calls_too(stack: Deployed) -> None:
    limited = stack.agent(rate=NO_REFILL)
    assert [stack.call(limited, "GET", "/v1/whoami").status for _ in range(4)] == [200, 200, 200, 429]
    assert stack.call(second_key(stack, limited), "GET", "/v1/whoami").status == 200


def test_another_process_knows_what_was_used(stack: Deployed) -> None:
    agent = stack.agent({**POLICY, "rate": NO_REFILL, "call_rate": NO_REFILL}, rate=NO_REFILL)
    for _ in range(3):
        deployed.forget()
        assert (stack.pay(agent, "1").status, stack.call(agent, "GET", "/v1/whoami").status) == (201, 200)
    deployed.forget()
    assert (stack.pay(agent, "1").status, stack.call(agent, "GET", "/v1/whoami").status) == (429, 429)


@pytest.mark.parametrize("per_process", [True, False])
def test_of_a_hundred_racing_calls_exactly_the_burst_passes(stack: Deployed, per_process: bool) -> None:
    agent = stack.agent()
    table = Table(stack.environment["CORE_TABLE"], Service("dynamodb", settings.aws()))
    shared = Calls(table)

    def call(number: int) -> bool:
        own = Calls(Table(table.name, Service("dynamodb", settings.aws()))) if per_process else shared
        now = 10**15 + number
        admission = own.admit(agent.agent_id, claims(Rate(1, 40), Rate(1, 10), "0abcdefg", now, now))
        return admission.retry_after is None

    with ThreadPoolExecutor(16 if per_process else 1) as threads:
        assert sum(threads.map(call, range(100))) == 10


def test_keys_that_no_longer_call_leave_the_item_and_those_that_do_stay(stack: Deployed) -> None:
    agent, rate = stack.agent(), Rate(60, 10)
    calls = Calls(Table(stack.environment["CORE_TABLE"], Service("dynamodb", settings.aws())))

    def call(name: str, now: int) -> Admission:
        return calls.admit(agent.agent_id, claims(rate, rate, name, now, now))

    start = 10**15
    call("0older00", start)
    call("0newer00", start + FORGET_AFTER // 2)
    call("0caller0", start + FORGET_AFTER + 2 * SECOND)
    stored = {name for name in item(stack, agent, "CALLS") if name.startswith("t#")}
    assert stored == {"t#0newer00", "t#0caller0"}


def test_a_revoked_key_and_a_suspended_agent_leave_no_rate_in_the_account(stack: Deployed) -> None:
    first = stack.agent(rate=NO_REFILL)
    second = second_key(stack, first, rate=NO_REFILL)
    for key in (first, second):
        assert stack.pay(key, "1").status == 201
    stack.operator("POST", "/v1/agents/{agent}/keys/{key}/revoke", agent=first.agent_id, key=first.key_id)
    assert [kept(key) in item(stack, key) for key in (first, second)] == [False, True]
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "drill"}, agent=first.agent_id)
    assert [name for name in item(stack, first) if name.startswith("t#")] == []


def retire(stack: Deployed, agent: Agent, until: int) -> deployed.Answer:
    body = {"until": rfc3339(until)}
    return stack.operator("POST", "/v1/agents/{agent}/keys/{key}/retire", body, agent=agent.agent_id, key=agent.key_id)


@pytest.fixture
def end() -> int:
    """A minute from now, whole, in microseconds."""
    return (int(time.time()) + 60) * SECOND


def test_a_retiring_key_works_until_its_end_and_not_an_instant_longer(
    stack: Deployed, end: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = stack.agent()
    assert stack.pay(agent).status == 201
    retiring = retire(stack, agent, end)
    assert (retiring.status, retiring.body["state"], retiring.body["version"]) == (200, "retiring", 1)
    assert retiring.body["expires_at"] == rfc3339(end)
    assert stack.pay(agent).status == 201, "the process that knew the key before still commits with it"
    deployed.forget()
    monkeypatch.setattr(time, "time_ns", lambda: end * 1000 - 1000)
    assert stack.pay(agent).status == 201
    monkeypatch.setattr(time, "time_ns", lambda: end * 1000)
    assert stack.pay(agent).code == "invalid_credentials"


def test_an_end_moves_to_earlier_only(stack: Deployed, end: int) -> None:
    agent = stack.agent()
    assert retire(stack, agent, end).status == 200
    assert retire(stack, agent, end).status == 200, "the same again is a retry"
    assert retire(stack, agent, end + 1000).code == "state_conflict"
    assert retire(stack, agent, end - 10 * SECOND).body["expires_at"] == rfc3339(end - 10 * SECOND)
    stack.operator("POST", "/v1/agents/{agent}/keys/{key}/revoke", agent=agent.agent_id, key=agent.key_id)
    assert retire(stack, agent, end - 10 * SECOND).code == "state_conflict"
    assert stack.pay(agent).code == "invalid_credentials", "a retiring key can be revoked"


def test_an_expiry_before_the_end_stays_the_end(stack: Deployed, end: int) -> None:
    agent = stack.agent(expires_at=rfc3339(end))
    retired = retire(stack, agent, end + 60 * SECOND)
    assert (retired.body["state"], retired.body["expires_at"]) == ("retiring", rfc3339(end))


def test_an_end_that_caches_could_miss_is_refused(stack: Deployed) -> None:
    refused = retire(stack, stack.agent(), (int(time.time()) + 20) * SECOND)
    assert (refused.status, refused.body["field"]) == (400, "until")
    assert "revoke" in refused.body["detail"]


def test_only_the_agents_own_keys_retire(stack: Deployed, end: int) -> None:
    other = Agent(stack.agent().agent_id, stack.agent().key_id, "unused")
    assert retire(stack, other, end).code == "not_found"
