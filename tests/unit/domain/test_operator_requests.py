"""The operator API's bodies, and the public forms, which hold no secret."""

from typing import Any

import pytest

from portcullis.domain import operator_requests as requests
from portcullis.domain.models import Model, validate
from portcullis.domain.policy_document import parse_document
from portcullis.domain.rate import Rate
from portcullis.protocol.strict_json import MalformedInput
from tests.unit.domain import builders

POLICY = {"allowlist": {}, "limits": {"per_transaction": "1", "daily": "1"}, "tiers": {"human_above": "1"}}


def refused(model: type[Model], value: Any, reason: str) -> None:
    with pytest.raises(MalformedInput, match=f"^{reason}"):
        validate(model, value)


def test_a_new_key_may_do_everything_from_everywhere_for_ever() -> None:
    wanted = validate(requests.NewKey, {})
    assert (wanted.scopes, wanted.ip_ranges, wanted.expires_at) == (
        ["transactions:create", "transactions:read"],
        [],
        None,
    )


def test_a_new_key_with_everything() -> None:
    fields = {"scopes": ["transactions:read"], "ip_ranges": ["203.0.113.7", "2001:DB8::/32"]}
    wanted = validate(requests.NewKey, {**fields, "expires_at": "2026-11-21T06:31:00Z"})

    assert wanted.scopes == ["transactions:read"]
    assert wanted.ip_ranges == ["203.0.113.7/32", "2001:db8::/32"]
    assert requests.instant(wanted.expires_at) == builders.NOW


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("scopes", [], "scopes: List should have at least 1 item"),
        ("scopes", ["transactions:all"], "scopes.0: unknown scope; known are transactions:create, transactions:read, "),
        (
            "scopes",
            ["transactions:create", "transactions:claim"],
            "scopes: a key with transactions:create cannot have transactions:claim; issue it to an agent of its own",
        ),
        (
            "scopes",
            ["transactions:risk", "transactions:create"],
            "scopes: a key with transactions:create cannot have transactions:risk; issue it to an agent of its own",
        ),
        ("scopes", "transactions:read", "scopes: Input should be a valid list"),
        ("scopes", ["transactions:read"] * 9, "scopes: List should have at most 8 items"),
        ("ip_ranges", ["203.0.113.1/24"], "ip_ranges.0: expected an address or a network"),
        ("ip_ranges", ["203.0.113"], "ip_ranges.0: expected an address or a network"),
        ("ip_ranges", [3405803783], "ip_ranges.0: Input should be a valid string"),
        ("ip_ranges", ["203.0.113.7"] * 17, "ip_ranges: List should have at most 16 items"),
        ("expires_at", "tomorrow", "expires_at: expected an instant with an offset"),
        ("expires_at", "9999-12-31T23:59:59-23:59", "expires_at: year 10000 is out of range"),
        ("expires_at", 1, "expires_at: Input should be a valid string"),
        ("rate", {"per_minute": 0}, "rate.per_minute: Input should be greater than or equal to 1"),
        ("rate", {"burst": 10_001}, "rate.burst: Input should be less than or equal to 10000"),
        ("rate", "60/5", "rate: Input should be"),
        ("secret", "sk", "secret: unknown field"),
    ],
)
def test_a_wrong_field_of_a_new_key(field: str, value: Any, reason: str) -> None:
    refused(requests.NewKey, {field: value}, reason)


@pytest.mark.parametrize("name", ["", " payer", "payer ", "a\nb", "a" * 65, "\u202e", None, 1])
def test_a_wrong_name(name: Any) -> None:
    assert validate(requests.NewAgent, {"name": "Zahlstelle \u00e9 1", "policy": POLICY}).name == "Zahlstelle \u00e9 1"
    refused(requests.NewAgent, {"name": name, "policy": POLICY}, "name: ")


def test_an_agent_without_a_policy_gets_that_of_low_trust_and_null_is_none() -> None:
    assert validate(requests.NewAgent, {"name": "payer"}).policy == parse_document({"trust": "low"})
    refused(requests.NewAgent, {"name": "payer", "policy": None}, "policy: ")


@pytest.mark.parametrize("reason", ["", "a" * 201, "a\n"])
def test_a_suspension_has_a_reason(reason: str) -> None:
    refused(requests.Suspension, {"reason": reason}, "reason: ")
    refused(requests.Suspension, {}, "reason: Field required")


@pytest.mark.parametrize(("usd", "kept"), [("1", "1"), ("0.9995", "0.9995"), ("90000.00", "90000.00")])
def test_a_price(usd: str, kept: str) -> None:
    assert validate(requests.NewPrice, {"usd": usd}).usd == kept


@pytest.mark.parametrize("usd", ["0", "-1", "1e3", "", "NaN"])
def test_a_wrong_price(usd: str) -> None:
    refused(requests.NewPrice, {"usd": usd}, "usd: expected ")


def test_an_agent_is_described_by_what_operators_manage() -> None:
    assert requests.describe_account(builders.account(tats={"tat": 1}, windows={"d20261121": 5})) == {
        "agent_id": builders.AGENT,
        "name": "payer",
        "state": "active",
        "epoch": 1,
        "policy_version": 1,
        "policy_sha256": bytes(range(32)).hex(),
        "created_at": "2026-11-21T06:31:00.000Z",
    }


def test_a_key_is_described_without_its_secret() -> None:
    assert requests.describe_key(builders.key_record(ends_at=builders.NOW, ip_ranges=("203.0.113.0/24",))) == {
        "key_id": builders.KEY_ID,
        "agent_id": builders.AGENT,
        "state": "active",
        "version": 1,
        "scopes": ["transactions:create", "transactions:read"],
        "ip_ranges": ["203.0.113.0/24"],
        "expires_at": "2026-11-21T06:31:00.000Z",
        "rate": None,
        "created_at": "2026-11-21T06:31:00.000Z",
        "algorithm": "hmac-sha256",
        "key_class": "production",
        "self_rotation": False,
        "delivered": False,
        "parent": None,
    }
    assert requests.describe_key(builders.key_record())["expires_at"] is None


def test_a_keys_rate_comes_from_the_body_and_is_described() -> None:
    wanted = validate(requests.NewKey, {"rate": {"per_minute": 60, "burst": 5}})
    record = requests.new_key(wanted, builders.KEY_ID, builders.AGENT, builders.NOW, "production")

    assert record == builders.key_record(rate=Rate(60, 5))
    assert requests.describe_key(record)["rate"] == {"per_minute": 60, "burst": 5}


def test_a_price_is_described() -> None:
    entry = {"usd": "1", "expires_at": None, "updated_at": builders.NOW, "max_age": 900}
    assert requests.describe_price(entry) == {
        "usd": "1",
        "expires_at": None,
        "updated_at": "2026-11-21T06:31:00.000Z",
        "max_age_seconds": 900,
    }
