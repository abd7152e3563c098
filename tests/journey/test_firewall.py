"""The firewall over HTTP, as far as the emulator enforces it: rate rules, the size rule and its one exemption."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx

from tests.journey.deployment import WALLET, Agent, Deployment

LIMIT = 20


@contextmanager
def limited(deployment: Deployment, rule: str) -> Iterator[None]:
    """One rate rule with a limit that a test can reach."""
    firewall = deployment.root("wafv2")
    name, identifier = deployment.outputs["WebAclArn"].split("/")[-2:]
    entry = {"Name": name, "Scope": "REGIONAL", "Id": identifier}

    def change(limit: int) -> int:
        held = firewall.get_web_acl(**entry)
        acl = held["WebACL"]
        (statement,) = [each["Statement"]["RateBasedStatement"] for each in acl["Rules"] if each["Name"] == rule]
        before: int = statement["Limit"]
        statement["Limit"] = limit
        block_lists = acl["Rules"][0]["Statement"]["OrStatement"]["Statements"]
        sets = firewall.list_ip_sets(Scope="REGIONAL")["IPSets"]
        for reference, ip_set in zip(block_lists, sets, strict=True):
            # The emulator keeps the template's spelling, Arn, which the SDK drops.
            reference["IPSetReferenceStatement"] = {"ARN": ip_set["ARN"]}
        given = {key: acl[key] for key in ("DefaultAction", "Rules", "VisibilityConfig")}
        firewall.update_web_acl(**entry, **given, LockToken=held["LockToken"])
        return before

    before = change(LIMIT)
    try:
        yield
    finally:
        change(before)


def codes(deployment: Deployment, agent: Agent, count: int) -> list[Any]:
    answers = [deployment.send(deployment.sign(agent, "GET", "/v1/whoami")) for _ in range(count)]
    return [answer.json().get("code") for answer in answers]


def test_an_address_that_calls_too_often_is_blocked_and_another_is_not(deployment: Deployment) -> None:
    agent = replace(deployment.agent(), address="198.18.1.1")
    with limited(deployment, "RatePerAddress"):
        assert codes(deployment, agent, LIMIT + 2) == [None] * LIMIT + ["blocked"] * 2
        assert codes(deployment, replace(agent, address="198.18.1.2"), 1) == [None]


def test_nobody_can_use_up_a_key_from_another_address(deployment: Deployment) -> None:
    victim, other = replace(deployment.agent(), address="198.18.2.1"), replace(deployment.agent(), address="198.18.2.2")
    attacker = replace(victim, address="198.18.2.2", secret="guessed" * 8)
    with limited(deployment, "RatePerAddressAndKey"):
        assert codes(deployment, attacker, LIMIT + 2) == ["invalid_credentials"] * LIMIT + ["blocked"] * 2
        assert codes(deployment, victim, 1) == [None]
        assert codes(deployment, other, 1) == [None], "nor another key from the attacker's address"


def test_a_body_beyond_what_is_inspected_is_blocked_on_both_apis(deployment: Deployment) -> None:
    agent = deployment.agent()
    call: Callable[[int], httpx.Response] = lambda size: deployment.send(  # noqa: E731
        deployment.sign(agent, "POST", "/v1/transactions", b"x" * size)
    )
    assert [call(size).json()["code"] for size in (16_384, 16_385)] == ["malformed_request", "blocked"]
    large = deployment.operator("POST", "/v1/agents", {"name": "x" * 17_000})
    assert (large.status_code, large.json()["code"]) == (403, "blocked")


def test_a_policy_of_ten_thousand_wallets_can_be_put_and_pays(deployment: Deployment) -> None:
    agent = deployment.agent()
    path = f"/v1/agents/{agent.agent_id}/policy"
    wallets = [f"base:0x{number:040x}" for number in range(9_999)]
    document = deployment.operator("GET", path).json()["policy"] | {
        "allowlist": {"wallets": [f"base:{WALLET}", *wallets]}
    }
    put = deployment.operator("PUT", path, document, If_Match='"1"')
    assert (put.status_code, put.json()["version"]) == (200, 2)
    assert deployment.pay(agent, "1").json()["policy"]["version"] == 2
    signed = deployment.sign(agent, "PUT", path, b"x" * 20_000)
    assert deployment.send(signed).json()["code"] == "not_found", "the agent API has no such route"
