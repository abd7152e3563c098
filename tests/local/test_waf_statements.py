"""WAF's statements on their own."""

import pytest

from local.emulator.waf_rates import RateCounter
from local.emulator.waf_request import Inspected
from local.emulator.waf_statements import Evaluation, Statement

REQUEST = Inspected(
    "198.51.100.7",
    "POST",
    "/local/v1/transactions",
    "a=1&b=%2Fetc",
    {"user-agent": ["Bad Bot/1"], "x-api-key": ["k"]},
    b"body",
)
NONE = [{"Priority": 0, "Type": "NONE"}]
LOWER = [{"Priority": 0, "Type": "LOWERCASE"}]


def evaluation(labels: set[str] | None = None) -> Evaluation:
    found = Evaluation(REQUEST, RateCounter(), lambda _arn: ["198.51.100.0/24"], "acl")
    found.labels |= labels or set()
    return found


def byte_match(field: Statement, text: str, position: str, transformations: object = NONE) -> Statement:
    return {
        "ByteMatchStatement": {
            "FieldToMatch": field,
            "SearchString": text,
            "PositionalConstraint": position,
            "TextTransformations": transformations,
        }
    }


AGENT = {"SingleHeader": {"Name": "User-Agent"}}
IP_SET: Statement = {"IPSetReferenceStatement": {"Arn": "arn"}}
BOT = byte_match(AGENT, "bad bot", "STARTS_WITH", LOWER)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (IP_SET, True),
        ({"NotStatement": {"Statement": IP_SET}}, False),
        ({"AndStatement": {"Statements": [IP_SET, BOT]}}, True),
        ({"OrStatement": {"Statements": [{"NotStatement": {"Statement": IP_SET}}, BOT]}}, True),
        (byte_match(AGENT, "bad bot", "STARTS_WITH"), False),
        (byte_match({"UriPath": {}}, "/transactions", "ENDS_WITH"), True),
        (byte_match({"AllQueryArguments": {}}, "/etc", "EXACTLY"), True),
        (byte_match({"QueryString": {}}, "/etc", "CONTAINS"), False),
        (byte_match({"SingleHeader": {"Name": "Absent"}}, "", "CONTAINS"), False),
        ({"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "x"}}, False),
        (
            {
                "SizeConstraintStatement": {
                    "FieldToMatch": {"Body": {}},
                    "ComparisonOperator": "EQ",
                    "Size": "4",
                    "TextTransformations": NONE,
                }
            },
            True,
        ),
        ({"LabelMatchStatement": {"Scope": "LABEL", "Key": "seen"}}, True),
        ({"LabelMatchStatement": {"Scope": "LABEL", "Key": "other"}}, False),
    ],
)
def test_statement(statement: Statement, expected: bool) -> None:
    assert evaluation({"ours:seen"}).matches(statement, "rule") is expected


def test_a_statement_that_is_not_known_is_an_error() -> None:
    with pytest.raises(ValueError, match="no GeoMatchStatement"):
        evaluation().matches({"GeoMatchStatement": {}}, "rule")


def test_rate_window_slides() -> None:
    now = [0.0]
    rates = RateCounter(lambda: now[0])
    assert [rates.exceeded(("k",), 2, 60) for _ in range(3)] == [False, False, True]
    now[0] = 61.0
    assert rates.exceeded(("k",), 2, 60) is False
