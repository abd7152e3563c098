"""The firewall stands in front of both APIs, and no rule lets one caller use up another's share."""

import re
from typing import Any

import pytest

from infra.stages import stage_named
from tests.infra.template import Template, text_of


def rules(gateway: Template) -> dict[str, dict[str, Any]]:
    acl = gateway.only("AWS::WAFv2::WebACL")
    ordered = sorted(acl["Rules"], key=lambda rule: rule["Priority"])
    return {rule["Name"]: rule for rule in ordered}


def test_both_stages_are_behind_it(gateway: Template) -> None:
    protected = text_of(gateway.properties("AWS::WAFv2::WebACLAssociation"))
    stages = gateway.resources("AWS::ApiGateway::Stage")
    assert len(stages) == 2
    for stage in stages:
        assert f'"Ref": "{stage}"' in protected


def test_blocked_addresses_are_refused_before_anything_else(gateway: Template) -> None:
    first = next(iter(rules(gateway).values()))
    assert first["Action"] == {"Block": {}}
    for block_list in gateway.resources("AWS::WAFv2::IPSet"):
        assert block_list in text_of(first["Statement"])


def test_every_rate_counts_the_source_address(gateway: Template) -> None:
    rates = [
        rule["Statement"]["RateBasedStatement"]
        for rule in rules(gateway).values()
        if "RateBasedStatement" in rule["Statement"]
    ]
    assert len(rates) == 2
    for rate in rates:
        assert rate["AggregateKeyType"] == "IP" or {"IP": {}} in rate["CustomKeys"]
    per_key = next(rate for rate in rates if rate["AggregateKeyType"] == "CUSTOM_KEYS")
    assert [key["Header"]["Name"] for key in per_key["CustomKeys"] if "Header" in key] == ["X-API-Key"]


def test_the_limits_are_those_of_the_stage(gateway: Template, stage_name: str) -> None:
    stage = stage_named(stage_name)
    limits = {
        name: rule["Statement"]["RateBasedStatement"]["Limit"]
        for name, rule in rules(gateway).items()
        if "RateBasedStatement" in rule["Statement"]
    }
    assert limits == {
        "RatePerAddress": stage.requests_per_address,
        "RatePerAddressAndKey": stage.requests_per_address_and_key,
    }


@pytest.mark.parametrize(
    ("group", "counted"),
    [
        ("AWSManagedRulesAmazonIpReputationList", []),
        ("AWSManagedRulesAnonymousIpList", ["HostingProviderIPList"]),
        ("AWSManagedRulesKnownBadInputsRuleSet", []),
        ("AWSManagedRulesCommonRuleSet", ["NoUserAgent_HEADER", "SizeRestrictions_BODY"]),
    ],
)
def test_a_managed_group_blocks_but_for_the_rules_that_agents_would_meet(
    gateway: Template, group: str, counted: list[str]
) -> None:
    rule = rules(gateway)[group]
    statement = rule["Statement"]["ManagedRuleGroupStatement"]
    assert (statement["VendorName"], statement["Name"]) == ("AWS", group)
    assert rule["OverrideAction"] == {"None": {}}
    assert "ExcludedRules" not in statement
    overrides = statement.get("RuleActionOverrides", [])
    assert [(each["Name"], each["ActionToUse"]) for each in overrides] == [(name, {"Count": {}}) for name in counted]


def test_only_blocking_rules_stand_before_the_managed_groups(gateway: Template) -> None:
    own = [rule for rule in rules(gateway).values() if "ManagedRuleGroupStatement" not in rule["Statement"]]
    assert [rule["Action"] for rule in own] == [{"Block": {}}] * 4
    assert list(rules(gateway))[:4] == ["BlockedAddresses", "RatePerAddress", "RatePerAddressAndKey", "OversizeBody"]


def test_a_body_beyond_the_inspected_part_is_blocked(gateway: Template) -> None:
    rule = rules(gateway)["OversizeBody"]
    oversize, _ = rule["Statement"]["AndStatement"]["Statements"]
    constraint = oversize["SizeConstraintStatement"]
    assert rule["Action"] == {"Block": {}}
    assert (constraint["ComparisonOperator"], constraint["Size"]) == ("GT", 16_384)
    assert constraint["FieldToMatch"]["Body"] == {"OversizeHandling": "MATCH"}


AGENT = "ag_0123456789abcdefABCDEF"


def exempt(gateway: Template, method: str, path: str) -> bool:
    """Whether the size rule lets a large body of this request pass."""
    _, rest = rules(gateway)["OversizeBody"]["Statement"]["AndStatement"]["Statements"]
    for pair in rest["NotStatement"]["Statement"]["OrStatement"]["Statements"]:
        named, place = (statement["RegexMatchStatement"] for statement in pair["AndStatement"]["Statements"])
        assert (named["FieldToMatch"], place["FieldToMatch"]) == ({"Method": {}}, {"UriPath": {}})
        if re.search(named["RegexString"], method) and re.search(place["RegexString"], path):
            return True
    return False


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"agents/{AGENT}/policy"),
        ("PUT", f"agents/{AGENT}/policy/draft"),
        ("PUT", f"agents/{AGENT}/policy/shadow"),
        ("POST", f"agents/{AGENT}/policy/backtest"),
        ("POST", "policies/validate"),
    ],
)
def test_what_carries_a_whole_policy_may_exceed_it(gateway: Template, method: str, path: str) -> None:
    assert exempt(gateway, method, f"/live/v1/{path}")
    assert not exempt(gateway, method, f"/live/v1/{path}/")
    assert not exempt(gateway, method, f"/live/v1/transactions/live/v1/{path}")
    assert not exempt(gateway, {"PUT": "POST", "POST": "PUT"}[method], f"/live/v1/{path}")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"agents/{AGENT}/keys"),
        ("PUT", "agents/x/policy"),
        ("POST", f"agents/{AGENT}/policy/publish"),
        ("POST", f"agents/{AGENT}/policy/explain"),
        ("POST", "agents"),
        ("POST", "transactions"),
        ("POST", f"transactions?a=/v1/agents/{AGENT}/policy/backtest"),
    ],
)
def test_nothing_else_may(gateway: Template, method: str, path: str) -> None:
    assert not exempt(gateway, method, f"/live/v1/{path}")


def test_what_may_exceed_it_is_authorized_by_iam_and_no_route_of_the_agent_api(gateway: Template) -> None:
    paths = gateway.paths()
    allowed = [
        (api, method)
        for api in gateway.resources("AWS::ApiGateway::RestApi")
        for method in gateway.methods_of(api)
        if exempt(gateway, method["HttpMethod"], f"/live{paths[method['ResourceId']['Ref']]}".replace("{agent}", AGENT))
    ]
    assert len(allowed) == 5
    assert {api for api, _ in allowed} == {gateway.api("Operator API")}
    assert {method["AuthorizationType"] for _, method in allowed} == {"AWS_IAM"}


def test_nothing_keeps_signatures(gateway: Template, stage_name: str) -> None:
    assert gateway.only("AWS::WAFv2::WebACL")["VisibilityConfig"]["SampledRequestsEnabled"] is False
    if stage_name != "local":
        redacted = gateway.only("AWS::WAFv2::LoggingConfiguration")["RedactedFields"]
        headers = {each["SingleHeader"]["Name"] for each in redacted}
        assert headers >= {"x-signature", "x-nonce", "signature", "signature-input", "authorization"}
