"""Which resource a call to WAF is about."""

import json

import pytest

from local.emulator.waf_resources import ip_set_arn

SET = {"Name": "blocked", "Scope": "REGIONAL", "Id": "a1", "LockToken": "t"}


@pytest.mark.parametrize("operation", ["GetIPSet", "UpdateIPSet", "DeleteIPSet"])
def test_a_call_on_an_ip_set_names_it(operation: str) -> None:
    headers = {"X-Amz-Target": f"AWSWAF_20190729.{operation}"}
    found = ip_set_arn(headers, json.dumps(SET).encode(), "us-east-1", "000000000000")
    assert found == "arn:aws:wafv2:us-east-1:000000000000:regional/ipset/blocked/a1"


@pytest.mark.parametrize(
    ("operation", "body"), [("GetWebACL", SET), ("CreateIPSet", {"Name": "x"}), ("ListIPSets", {})]
)
def test_other_calls_are_left_alone(operation: str, body: dict[str, str]) -> None:
    headers = {"x-amz-target": f"AWSWAF_20190729.{operation}"}
    assert ip_set_arn(headers, json.dumps(body).encode(), "us-east-1", "000000000000") is None
