"""A policy's life: drafted, reviewed, tried, published by one of two, and its versions compared."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.operator_api import request
from functions.proposals import handler as proposals
from portcullis.aws import policy_drafts, publishing
from portcullis.aws.changes import Actor
from portcullis.aws.wire import Unavailable
from portcullis.domain.policy_document import parse_document
from portcullis.domain.record import event_of
from portcullis.domain.trust import CLEAN_PERIOD
from tests.functions.deployed import POLICY, WALLET, Agent, Answer, Deployed
from tests.unit.domain.builders import record

STRICTER = {**POLICY, "limits": {"per_transaction": "20", "daily": "1000"}}
POLICY_PATH = "/v1/agents/{agent}/policy"
OTHER = Actor("arn:aws:iam::123456789012:user/other", "198.51.100.1", 1_800_000_000_000_000)


class Policies:
    """The policy routes of one agent."""

    def __init__(self, stack: Deployed) -> None:
        self.stack = stack
        self.agent: Agent = stack.agent()

    def __call__(
        self, method: str, path: str = "", body: Any = None, if_match: int | None = None, **more: str
    ) -> Answer:
        headers = {} if if_match is None else {"If-Match": f'"{if_match}"'}
        resource = f"{POLICY_PATH}{path}"
        return self.stack.operator(method, resource, body, headers=headers, agent=self.agent.agent_id, **more)

    def draft(self, body: Any = STRICTER, if_match: int | None = None) -> dict[str, Any]:
        answer = self("PUT", "/draft", body, if_match)
        assert answer.status == 200, answer
        return answer.body

    def events(self) -> list[str]:
        found = self.stack.operator("GET", "/v1/agents/{agent}/events", agent=self.agent.agent_id).body["events"]
        assert [event["rev"] for event in found] == list(range(len(found), 0, -1))
        return [event["type"] for event in reversed(found)][2:]


@pytest.fixture
def policies(stack: Deployed) -> Policies:
    return Policies(stack)


def test_an_agent_without_a_policy_is_of_low_trust_and_may_pay_nobody(stack: Deployed) -> None:
    created = stack.operator("POST", "/v1/agents", {"name": "new"})
    found = stack.operator("GET", POLICY_PATH, agent=created.body["agent_id"]).body
    assert (found["policy"]["trust"], found["policy"]["limits"]["per_transaction"]) == ("low", "50.00")
    assert found["protection"] == "standard"
    preset = stack.operator("GET", "/v1/policies/presets/{trust}", trust="low")
    assert preset.body["policy"] == found["policy"]


@pytest.mark.parametrize(("trust", "status"), [("low", 200), ("medium", 200), ("high", 200), ("highest", 404)])
def test_presets_are_valid_policies(stack: Deployed, trust: str, status: int) -> None:
    found = stack.operator("GET", "/v1/policies/presets/{trust}", trust=trust)
    assert found.status == status
    if status == 200:
        checked = stack.operator("POST", "/v1/policies/validate", found.body["policy"])
        assert (checked.body["policy"], checked.body["warnings"][0]["code"]) == (
            found.body["policy"],
            "nobody_can_be_paid",
        )


def test_validating_stores_nothing_and_names_what_is_wrong(stack: Deployed) -> None:
    before = stack.items()
    wrong = stack.operator("POST", "/v1/policies/validate", {"limits": {"per_transaction": "5"}})
    assert (wrong.status, wrong.body["field"]) == (400, "limits.daily")
    assert stack.operator("POST", "/v1/policies/validate", POLICY).body["protection"] == "standard"
    assert stack.items() == before


def test_a_draft_is_kept_reviewed_and_replaced_only_under_its_rev(policies: Policies) -> None:
    assert policies("GET", "/draft").code == "not_found"
    first = policies.draft()
    assert [warning["code"] for warning in first["warnings"]] == [
        "no_long_limit",
        "no_duplicate_check",
        "nobody_can_claim",
    ]
    assert policies.draft() == first, "the same again is a retry"
    assert policies("PUT", "/draft", POLICY).code == "state_conflict"
    assert policies("PUT", "/draft", POLICY, if_match=first["rev"] + 1).code == "state_conflict"
    second = policies.draft(POLICY, first["rev"])
    read = policies("GET", "/draft")
    assert (read.body, read.headers["ETag"]) == (second, f'"{second["rev"]}"')
    assert policies("GET").body["version"] == 1, "a draft is not in force"
    assert policies.events() == ["policy.drafted", "policy.drafted"]


def test_a_discarded_draft_is_gone_and_its_rev_is_never_given_again(policies: Policies) -> None:
    first = policies.draft()
    assert policies("DELETE", "/draft", if_match=first["rev"] + 1).code == "state_conflict"
    assert policies("DELETE", "/draft").body["field"] == "If-Match"
    for _ in range(2):
        assert policies("DELETE", "/draft", if_match=first["rev"]).body["draft"] is None
    assert policies("GET", "/draft").code == "not_found"
    assert policies.draft()["rev"] > first["rev"]
    assert policies.events() == ["policy.drafted", "policy.draft_discarded", "policy.drafted"]


def test_publishing_puts_the_draft_in_force_and_removes_it(policies: Policies) -> None:
    draft = policies.draft()
    body = {"sha256": draft["sha256"]}
    for _ in range(2):  # the second is a retry
        published = policies("POST", "/publish", body, if_match=1)
        assert (published.body["version"], published.body["policy"]) == (2, draft["policy"])
    assert policies("GET", "/draft").code == "not_found"
    assert policies.stack.pay(policies.agent, "21").code == "policy_denied"
    assert policies.events() == ["policy.drafted", "policy.published"]


def test_a_draft_that_changed_under_the_publisher_is_not_published(policies: Policies) -> None:
    seen = policies.draft()
    policies.draft(POLICY, seen["rev"])
    refused = policies("POST", "/publish", {"sha256": seen["sha256"]}, if_match=1)
    assert (refused.status, refused.code) == (409, "state_conflict")
    assert policies("GET").body["version"] == 1


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda table, agent, draft: publishing.publish(
            table, request.stores().policies, OTHER, agent, parse_document(POLICY), 1
        ),
        lambda table, agent, draft: policy_drafts.discard(table, OTHER, agent, draft["rev"]),
        lambda table, agent, draft: policy_drafts.put(
            table, request.stores().policies, OTHER, agent, parse_document(POLICY), draft["rev"]
        ),
    ],
    ids=["published", "discarded", "drafted"],
)
def test_what_happens_between_reading_and_writing_wins(
    policies: Policies, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[..., object]
) -> None:
    draft, table = policies.draft(), request.stores().table
    real, agent = type(table).transact, policies.agent.agent_id

    def transact(self: Any, *actions: dict[str, Any]) -> None:
        monkeypatch.setattr(type(table), "transact", real)
        meanwhile(table, agent, draft)
        real(self, *actions)

    monkeypatch.setattr(type(table), "transact", transact)
    refused = policies("POST", "/publish", {"sha256": draft["sha256"]}, if_match=1)
    assert refused.code == "state_conflict"
    assert policies("GET").body["policy"]["limits"]["per_transaction"] == "500.00"


def test_of_two_publishers_one_wins(policies: Policies) -> None:
    draft = policies.draft()
    assert policies("PUT", "", POLICY, if_match=1).status == 200
    refused = policies("POST", "/publish", {"sha256": draft["sha256"]}, if_match=1)
    assert refused.code == "state_conflict"
    assert policies("POST", "/publish", {"sha256": draft["sha256"]}, if_match=2).body["version"] == 3


def test_every_version_is_kept_and_listed_newest_first(policies: Policies) -> None:
    for version in (1, 2, 3):
        limits = {"per_transaction": str(version), "daily": "1000"}
        policies("PUT", "", {**POLICY, "limits": limits}, if_match=version)
    policies.draft()
    pages = [policies("GET", "/versions?limit=3").body]
    pages.append(policies("GET", f"/versions?limit=3&cursor={pages[0]['cursor']}").body)
    assert [[found["version"] for found in page["versions"]] for page in pages] == [[4, 3, 2], [1]]
    assert pages[1]["cursor"] is None
    assert policies("GET", "/versions?limit=4").body["cursor"] is None, "there is nothing before the first"
    read = policies("GET", "/versions/{version}", version="3").body
    assert (read["policy"]["limits"]["per_transaction"], read["published_by"]) == ("2.00", policies.stack.caller)
    for unknown in ("5", "0", "draft"):
        assert policies("GET", "/versions/{version}", version=unknown).code == "not_found"
    assert policies("GET", "/versions?cursor=x").body["field"] == "cursor"


def test_a_diff_compares_versions_and_the_draft(policies: Policies) -> None:
    draft = policies.draft()
    shown = policies("GET", "/diff").body
    assert shown["differences"] == [
        {"path": "limits.per_transaction", "change": "changed", "effect": "tightens", "old": "500.00", "new": "20.00"}
    ]
    policies("POST", "/publish", {"sha256": draft["sha256"]}, if_match=1)
    assert policies("GET", "/diff?from=2&to=1").body["differences"][0]["effect"] == "loosens"
    assert policies("GET", "/diff?from=2&to=2").body["differences"] == []
    assert policies("GET", "/diff?to=x").body["field"] == "to"
    assert policies("GET", "/diff").code == "not_found", "there is no draft any more"


def test_a_shadow_tells_operators_and_not_the_agent(policies: Policies) -> None:
    stack, agent = policies.stack, policies.agent
    shadowed = policies("PUT", "/shadow", STRICTER)
    assert shadowed.body["shadow_sha256"] != shadowed.body["policy_sha256"]
    told, same = stack.pay(agent, "21"), stack.pay(agent, "20")
    assert [answer.status for answer in (told, same)] == [201, 201]
    assert "shadow" not in told.body
    assert "shadow" not in stack.call(agent, "GET", f"/v1/transactions/{told.body['id']}").body
    listed = stack.operator("GET", "/v1/agents/{agent}/transactions", agent=agent.agent_id).body["transactions"]
    assert {found["id"]: found.get("shadow") for found in listed} == {told.body["id"]: "denied", same.body["id"]: None}


def test_a_shadow_is_the_draft_or_a_document_and_ends(policies: Policies) -> None:
    assert policies("PUT", "/shadow", {"draft": True}).code == "not_found"
    assert policies("PUT", "/shadow", {"draft": False}).body["field"] == "draft"
    draft = policies.draft()
    for _ in range(2):
        assert policies("PUT", "/shadow", {"draft": True}).body["shadow_sha256"] == draft["sha256"]
    for _ in range(2):
        assert "shadow_sha256" not in policies("DELETE", "/shadow").body
    assert policies.events() == ["policy.drafted", "policy.shadowed", "policy.unshadowed"]


def test_an_event_tells_what_the_shadow_would_have_said() -> None:
    assert event_of(record(shadow="denied"))["data"]["shadow"] == "denied"
    assert "shadow" not in event_of(record())["data"]


def test_an_explanation_sees_the_windows_and_records_nothing(policies: Policies) -> None:
    stack, agent = policies.stack, policies.agent
    stack.pay(agent, "90")
    fields = {"kind": "transfer", "token": "USDC", "chain": "base", "destination": {"wallet": WALLET}}
    before = stack.items()
    found = policies("POST", "/explain", {"transaction": {**fields, "amount": "101"}}).body
    assert (found["status"], found["approval"], found["tier"]) == ("pending_approval", ["human"], "human")
    assert (found["windows"][0]["used"], found["windows"][0]["limit"]) == ("90.00", "1000.00")
    assert stack.items() == before
    policies.draft()
    drafted = policies("POST", "/explain", {"transaction": {**fields, "amount": "101"}, "draft": True}).body
    assert [rule["rule"] for rule in drafted["rules"] if rule["verdict"] == "broken"] == ["per_transaction_limit"]
    assert (
        policies("POST", "/explain", {"transaction": {**fields, "amount": "-1"}}).body["field"] == "transaction.amount"
    )


def test_a_backtest_tells_page_by_page_what_would_have_changed(policies: Policies) -> None:
    stack, agent = policies.stack, policies.agent
    made = [stack.pay(agent, amount).body for amount in ("10", "15", "20", "25", "101", "600")]
    tried = {**POLICY, "limits": {"per_transaction": "20", "daily": "30"}}
    changes: list[Any] = []
    cursor: Any = {}
    while cursor is not None:
        page = policies("POST", "/backtest", {"policy": tried, "limit": 2, **({"cursor": cursor} if cursor else {})})
        assert page.body["examined"] == 2
        changes += page.body["changes"]
        cursor = page.body["cursor"]
    assert [(found["id"], found["from"], found["to"], found["rules"]) for found in changes] == [
        (made[2]["id"], "approved", "denied", ["daily_limit"]),
        (made[3]["id"], "approved", "denied", ["per_transaction_limit", "daily_limit"]),
        (made[4]["id"], "pending_approval", "denied", ["per_transaction_limit", "daily_limit"]),
    ]
    whole = policies("POST", "/backtest", {"policy": tried}).body
    assert whole["totals"] == [
        {"from": "approved", "to": "denied", "count": 2, "usd": "45.00"},
        {"from": "pending_approval", "to": "denied", "count": 1, "usd": "101.00"},
    ]
    assert policies("POST", "/backtest", {"policy": POLICY}).body["changes"] == []


def test_a_backtest_of_the_draft_within_a_span(policies: Policies) -> None:
    stack, agent = policies.stack, policies.agent
    stack.pay(agent, "25")
    second = stack.pay(agent, "30").body
    policies.draft()
    found = policies("POST", "/backtest", {"draft": True, "since": second["created_at"]}).body
    assert found["changes"][-1]["id"] == second["id"]
    assert policies("POST", "/backtest", {"draft": True, "until": "2020-01-01T00:00:00Z"}).body["examined"] == 0
    beyond = {"draft": True, "until": "2020-01-01T00:00:00Z", "cursor": {"created_at": 10**17}}
    assert policies("POST", "/backtest", beyond).body["cursor"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"draft": True, "policy": POLICY}, "body"),
        ({"draft": True, "limit": 501}, "limit"),
        ({"draft": True, "since": "yesterday"}, "since"),
        ({"draft": True, "cursor": {"created_at": 1, "windows": {"d20261121": -1}}}, "cursor.windows.d20261121"),
        ({"draft": True, "cursor": {"windows": {"z": 1}}}, "cursor.windows.z.[key]"),
        ({"draft": True, "cursor": {"created_at": -1}}, "cursor.created_at"),
        ({"draft": True, "since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "body"),
    ],
)
def test_a_malformed_backtest_names_the_field(policies: Policies, body: dict[str, Any], field: str) -> None:
    assert policies("POST", "/backtest", body).body["field"] == field


def age(stack: Deployed, agent: str, micros: int) -> None:
    """Let the agent, and what was published for it, be older by ``micros``."""
    for item in stack.items():
        if item["pk"]["S"] != f"AGENT#{agent}" or not item["sk"]["S"].startswith(("ACCOUNT", "POLICY#0")):
            continue
        for name in ("created_at", "trust_since", "violated_at"):
            if name in item:
                item[name]["N"] = str(int(item[name]["N"]) - micros)
        stack.dynamodb.put_item(TableName=stack.environment["CORE_TABLE"], Item=item)


@pytest.fixture
def newcomer(stack: Deployed) -> str:
    """An agent of low trust."""
    agent: str = stack.operator("POST", "/v1/agents", {"name": "new"}).body["agent_id"]
    return agent


def proposed(stack: Deployed, agent: str) -> list[dict[str, Any]]:
    listed = stack.operator("GET", "/v1/agents/{agent}/events", agent=agent).body["events"]
    return [event["data"] for event in listed if event["type"] == "trust.upgrade_proposed"]


def test_a_clean_agent_is_proposed_once_and_nothing_is_applied(stack: Deployed, newcomer: str) -> None:
    assert proposals.handler({}, None) == {"examined": 1, "proposed": 0}
    early = stack.operator("GET", "/v1/agents/{agent}/proposal", agent=newcomer).body
    assert (early["trust"], early["proposal"]) == ("low", None)
    age(stack, newcomer, CLEAN_PERIOD)
    assert [proposals.handler({}, None)["proposed"] for _ in range(2)] == [1, 0]
    (data,) = proposed(stack, newcomer)
    assert (data["trust"], data["proposed"], data["actor"]) == ("low", "medium", "gateway")
    shown = stack.operator("GET", "/v1/agents/{agent}/proposal", agent=newcomer).body
    assert shown["proposal"] == {"trust": "medium", "limits": data["limits"]}
    assert stack.operator("GET", POLICY_PATH, agent=newcomer).body["version"] == 1


def test_trust_counts_from_the_level_and_not_from_the_version(stack: Deployed, newcomer: str) -> None:
    age(stack, newcomer, CLEAN_PERIOD)
    for version, trust in ((1, "low"), (2, "medium")):
        body = {"trust": trust, "allowlist": {"wallets": [f"base:{WALLET}"]}}
        stack.operator("PUT", POLICY_PATH, body, headers={"If-Match": f'"{version}"'}, agent=newcomer)
        found = stack.operator("GET", "/v1/agents/{agent}/proposal", agent=newcomer).body
        assert (found["proposal"] is not None) is (trust == "low")


def test_a_denial_starts_the_period_anew(stack: Deployed) -> None:
    agent = stack.agent({"trust": "low"})
    age(stack, agent.agent_id, CLEAN_PERIOD)
    assert stack.pay(agent).code == "policy_denied"
    found = stack.operator("GET", "/v1/agents/{agent}/proposal", agent=agent.agent_id).body
    assert found["proposal"] is None
    assert datetime.fromisoformat(found["due_at"]) > datetime.now(UTC)


def test_one_agent_that_fails_keeps_no_other_waiting(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    agents = [stack.operator("POST", "/v1/agents", {"name": "new"}).body["agent_id"] for _ in range(3)]
    for agent in agents:
        age(stack, agent, CLEAN_PERIOD)
    stack.dynamodb.delete_item(
        TableName=stack.environment["CORE_TABLE"],
        Key={"pk": {"S": f"AGENT#{agents[1]}"}, "sk": {"S": "POLICY#0000000001"}},
    )
    monkeypatch.setattr(proposals, "PAGE", 2)
    with pytest.raises(Unavailable, match="1 of 3"):
        proposals.handler({}, None)
    assert [len(proposed(stack, agent)) for agent in agents] == [1, 0, 1]


@pytest.mark.parametrize(("method", "path"), [("PUT", ""), ("PUT", "/draft")])
def test_no_policy_is_put_by_leaving_it_out(policies: Policies, method: str, path: str) -> None:
    refused = policies(method, path, if_match=1)
    assert (refused.status, refused.body["field"]) == (400, "body")


@pytest.mark.parametrize("name", ["from", "to"])
def test_an_empty_version_is_none_to_compare(policies: Policies, name: str) -> None:
    policies.draft()
    assert policies("GET", f"/diff?{name}=").body["field"] == name
