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


@pytest.mark.parametrize(
    ("path", "exempt"),
    [
        ("/live/v1/agents/ag_0123456789abcdefABCDEF/policy", True),
        ("/live/v1/agents/ag_0123456789abcdefABCDEF/policy/", False),
        ("/live/v1/agents/ag_0123456789abcdefABCDEF/keys", False),
        ("/live/v1/agents/x/policy", False),
        ("/live/v1/transactions?a=/v1/agents/ag_0123456789abcdefABCDEF/policy", False),
        ("/live/v1/transactions/live/v1/agents/ag_0123456789abcdefABCDEF/policy", False),
    ],
)
def test_only_putting_a_policy_may_exceed_it(gateway: Template, path: str, exempt: bool) -> None:
    _, rest = rules(gateway)["OversizeBody"]["Statement"]["AndStatement"]["Statements"]
    statements = rest["NotStatement"]["Statement"]["AndStatement"]["Statements"]
    put, place = (statement["RegexMatchStatement"] for statement in statements)
    assert (put["FieldToMatch"], put["RegexString"]) == ({"Method": {}}, "^PUT$")
    assert place["FieldToMatch"] == {"UriPath": {}}
    assert bool(re.search(place["RegexString"], path)) is exempt


def test_what_may_exceed_it_is_authorized_by_iam_and_no_route_of_the_agent_api(gateway: Template) -> None:
    for api in gateway.resources("AWS::ApiGateway::RestApi"):
        puts = [method for method in gateway.methods_of(api) if method["HttpMethod"] == "PUT"]
        if api == gateway.api("Agent API"):
            assert puts == []
        else:
            assert {method["AuthorizationType"] for method in puts} == {"AWS_IAM"}


def test_nothing_keeps_signatures(gateway: Template, stage_name: str) -> None:
    assert gateway.only("AWS::WAFv2::WebACL")["VisibilityConfig"]["SampledRequestsEnabled"] is False
    if stage_name != "local":
        redacted = gateway.only("AWS::WAFv2::LoggingConfiguration")["RedactedFields"]
        headers = {each["SingleHeader"]["Name"] for each in redacted}
        assert headers >= {"x-signature", "x-nonce", "signature", "signature-input", "authorization"}
