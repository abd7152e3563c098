"""The firewall stands in front of both APIs, and no rule lets one caller use up another's share."""

from typing import Any

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


def test_a_body_beyond_the_inspected_part_is_blocked(gateway: Template) -> None:
    rule = rules(gateway)["OversizeBody"]
    constraint = rule["Statement"]["SizeConstraintStatement"]
    assert rule["Action"] == {"Block": {}}
    assert (constraint["ComparisonOperator"], constraint["Size"]) == ("GT", 16_384)
    assert constraint["FieldToMatch"]["Body"] == {"OversizeHandling": "MATCH"}


def test_nothing_keeps_signatures(gateway: Template, stage_name: str) -> None:
    assert gateway.only("AWS::WAFv2::WebACL")["VisibilityConfig"]["SampledRequestsEnabled"] is False
    if stage_name != "local":
        redacted = text_of(gateway.only("AWS::WAFv2::LoggingConfiguration")["RedactedFields"])
        for header in ("x-signature", "authorization"):
            assert header in redacted
