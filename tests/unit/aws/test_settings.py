"""Settings: what is missing is named; nothing has a default; nothing shows a credential."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from portcullis.aws import settings
from portcullis.domain.key_classes import Rotation
from portcullis.domain.times import HOUR

READERS: dict[Callable[[Mapping[str, str]], Any], list[str]] = {
    settings.authorizer: ["PORTCULLIS_STAGE", "CORE_TABLE", "NONCES_TABLE", "BUS_NAME", "MAC_KEYS"],
    settings.agent_api: ["PORTCULLIS_STAGE", "CORE_TABLE", "POLICY_BUCKET", "BUS_NAME"],
    settings.agent_keys: [
        "PORTCULLIS_STAGE",
        "CORE_TABLE",
        "POLICY_BUCKET",
        "BUS_NAME",
        "MAC_KEYS",
        "ROTATION_DAYS",
        "OVERLAP_HOURS",
        "KEY_CLASS",
    ],
    settings.operator_api: [
        "PORTCULLIS_STAGE",
        "CORE_TABLE",
        "NONCES_TABLE",
        "PROFILES_TABLE",
        "POLICY_BUCKET",
        "BUS_NAME",
        "MAC_KEYS",
        "ROTATION_DAYS",
        "OVERLAP_HOURS",
        "KEY_CLASS",
        "ROTATION_FUNCTION",
    ],
    settings.key_rotation: [
        "PORTCULLIS_STAGE",
        "CORE_TABLE",
        "API_URL",
        "MAC_KEYS",
        "ROTATION_DAYS",
        "OVERLAP_HOURS",
        "KEY_CLASS",
    ],
    settings.price_feed: ["CORE_TABLE"],
    settings.audit_writer: ["AUDIT_BUCKET", "CLAIMS_TABLE", "AUDIT_KEY_ID", "AUDIT_ORIGIN"],
    settings.audit_reader: ["AUDIT_BUCKET", "AUDIT_KEY_ID", "AUDIT_ORIGIN"],
    settings.contain_evidence: ["EVIDENCE_BUCKET", "EVIDENCE_HOURS"],
    settings.anomaly: ["CORE_TABLE", "PROFILES_TABLE", "ALARM_BUDGET"],
    settings.proposals: ["CORE_TABLE"],
    settings.contain_notice: ["PORTCULLIS_STAGE", "CORE_TABLE", "TOPIC_ARN"],
    settings.notifier: ["PORTCULLIS_STAGE", "CORE_TABLE", "TOPIC_ARN", "RESPONSES"],
    settings.webhooks: ["WEBHOOK_URL", "WEBHOOK_SECRET", "QUEUE_URL"],
    settings.contain_secrets: ["PORTCULLIS_STAGE"],
    settings.contain_sources: ["CORE_TABLE", "PROFILES_TABLE"],
    settings.containment_step: ["CORE_TABLE"],
    settings.incidents: ["CORE_TABLE", "STATE_MACHINE_ARN", "RESPONSES"],
    settings.lockdown: ["CORE_TABLE"],
    settings.reconciler: ["CORE_TABLE", "CLAIMS_TABLE", "BUS_NAME"],
    settings.aws: ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
}
CASES = [(read, name) for read, names in READERS.items() for name in names]


PARSED = {
    "MAC_KEYS": "0=first 1=second",
    "ROTATION_DAYS": "development=30 staging=7 production=30 high_value=7",
    "OVERLAP_HOURS": "24",
    "KEY_CLASS": "production",
    "ALARM_BUDGET": "1.0",
    "EVIDENCE_HOURS": "24",
    "RESPONSES": "low=contain:8 medium=notify high=off",
}


def environ(names: list[str]) -> dict[str, str]:
    return {name: PARSED.get(name, f"value of {name}") for name in names}


@pytest.mark.parametrize(("read", "names"), READERS.items())
def test_every_setting_is_read(read: Callable[[Mapping[str, str]], Any], names: list[str]) -> None:
    found = read(environ(names))
    values = [getattr(found, field) for field in found.__slots__]
    texts = [value for value in values if isinstance(value, str)]
    assert texts == [value for name, value in environ(names).items() if name not in PARSED]


def test_what_is_more_than_a_text_is_parsed() -> None:
    found = settings.operator_api(environ(READERS[settings.operator_api]))
    assert found.mac_keys == {"0": "first", "1": "second"}
    days = {"development": 30, "staging": 7, "production": 30, "high_value": 7}
    assert found.rotation == Rotation(days, 24 * HOUR, "production")


@pytest.mark.parametrize("hours", ["0", "169", "-1", "1.5", "x", "٢٤", "9" * 30])
def test_hours_of_evidence_are_a_number_from_1_to_a_week(hours: str) -> None:
    present = environ(READERS[settings.contain_evidence])
    assert settings.contain_evidence({**present, "EVIDENCE_HOURS": "168"}).hours == 168
    with pytest.raises(ValueError, match="from 1 to 168"):
        settings.contain_evidence({**present, "EVIDENCE_HOURS": hours})


@pytest.mark.parametrize(("read", "name"), CASES, ids=[f"{read.__name__}-{name}" for read, name in CASES])
def test_a_missing_or_empty_setting_is_named(read: Callable[[Mapping[str, str]], Any], name: str) -> None:
    present = environ(READERS[read])

    with pytest.raises(settings.MissingSetting, match=f"^environment variable {name} is not set$"):
        read({**present, name: ""})
    del present[name]
    with pytest.raises(settings.MissingSetting, match=f"^environment variable {name} is not set$"):
        read(present)


@pytest.mark.parametrize("read", [settings.agent_api, settings.agent_keys])
def test_the_country_header_is_optional(read: Callable[[Mapping[str, str]], Any]) -> None:
    present = environ(READERS[read])
    assert (
        read({**present, "COUNTRY_HEADER": "CloudFront-Viewer-Country"}).country_header == "CloudFront-Viewer-Country"
    )
    assert read({**present, "COUNTRY_HEADER": ""}).country_header is None
    assert read(present).country_header is None


def test_session_token_and_endpoint_are_optional() -> None:
    names = READERS[settings.aws]
    found = settings.aws(environ([*names, "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"]))

    assert found.session_token == "value of AWS_SESSION_TOKEN"
    assert found.endpoint_url == "value of AWS_ENDPOINT_URL"
    assert settings.aws({**environ(names), "AWS_SESSION_TOKEN": "", "AWS_ENDPOINT_URL": ""}).endpoint_url is None


def test_credentials_do_not_show() -> None:
    found = settings.aws({**environ(READERS[settings.aws]), "AWS_SESSION_TOKEN": "token"})
    assert repr(found) == str(found) == "AwsEnvironment(region='value of AWS_REGION')"


def test_settings_are_frozen() -> None:
    found = settings.agent_api(environ(READERS[settings.agent_api]))
    with pytest.raises(AttributeError):
        found.stage = "other"  # type: ignore[misc]
