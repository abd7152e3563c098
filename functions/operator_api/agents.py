"""Agents: create, list, read, suspend; and the events of what changed on one."""

from typing import Any

from functions.operator_api.request import account_of, actor_of, agent_of, entropy, existing, stores
from portcullis.aws import agents, listings
from portcullis.aws.proxy import Answer, json_answer, json_body, limit, parameter
from portcullis.domain import events, identifiers
from portcullis.domain.operator_requests import NewAgent, Suspension, describe_account


def _create_agent(event: dict[str, Any]) -> Answer:
    wanted = json_body(event, NewAgent)
    agent = identifiers.agent_id(entropy(event, "agent"))
    account = agents.create(stores().table, stores().policies, actor_of(event), agent, wanted.name, wanted.policy)
    return json_answer(201, describe_account(account))


def _list_agents(event: dict[str, Any]) -> Answer:
    found, cursor = listings.list_agents(stores().table, limit(event), parameter(event, "cursor"))
    return json_answer(200, {"agents": [describe_account(account) for account in found], "cursor": cursor})


def _get_agent(event: dict[str, Any]) -> Answer:
    return json_answer(200, describe_account(account_of(event)))


def _suspend(event: dict[str, Any]) -> Answer:
    reason = json_body(event, Suspension).reason
    account = agents.suspend(stores().table, actor_of(event), agent_of(event), reason)
    return json_answer(200, describe_account(existing(account)))


def _list_events(event: dict[str, Any]) -> Answer:
    agent = account_of(event).agent
    found, cursor = listings.list_changes(stores().table, agent, limit(event), parameter(event, "cursor"))
    return json_answer(200, {"events": [events.of_change(item) for item in found], "cursor": cursor})


ROUTES = {
    ("POST", "/v1/agents"): _create_agent,
    ("GET", "/v1/agents"): _list_agents,
    ("GET", "/v1/agents/{agent}"): _get_agent,
    ("POST", "/v1/agents/{agent}/suspend"): _suspend,
    ("GET", "/v1/agents/{agent}/events"): _list_events,
}
