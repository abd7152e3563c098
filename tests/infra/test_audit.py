"""Nobody removes, shortens or alters what is in the audit log or evidence, and nobody but its writer adds to either."""

from functools import partial
from typing import Any

import pytest

from tests.infra.template import Template, as_list, strings_in, text_of

DAYS = {"local": 1, "test": 30, "live": 2557}


LOCKED = ("Audit", "Evidence")


def bucket_of(data: Template, name: str) -> str:
    """Logical id of a bucket with the lock."""
    locked = {id_[:-8]: id_ for id_, each in data.properties("AWS::S3::Bucket").items() if "ObjectLockEnabled" in each}
    assert set(locked) == set(LOCKED)
    return locked[name]


def denials_of(data: Template, name: str) -> dict[str, dict[str, Any]]:
    """Statement id -> denial of the policy of a bucket."""
    (policy,) = (
        each["PolicyDocument"]["Statement"]
        for each in data.properties("AWS::S3::BucketPolicy").values()
        if each["Bucket"] == {"Ref": bucket_of(data, name)}
    )
    named = {each["Sid"]: each for each in policy if "Sid" in each}
    assert {each["Effect"] for each in named.values()} == {"Deny"}
    return named


@pytest.mark.parametrize("name", LOCKED)
def test_the_lock_is_of_compliance_mode_for_the_days_of_the_stage(data: Template, name: str, stage_name: str) -> None:
    bucket = data.properties("AWS::S3::Bucket")[bucket_of(data, name)]
    assert bucket["ObjectLockEnabled"] is True
    rule = bucket["ObjectLockConfiguration"]["Rule"]
    assert rule == {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": DAYS[stage_name]}}


@pytest.mark.parametrize("name", LOCKED)
def test_accesses_are_logged_elsewhere(data: Template, name: str) -> None:
    bucket = data.properties("AWS::S3::Bucket")[bucket_of(data, name)]
    target = bucket["LoggingConfiguration"]["DestinationBucketName"]["Ref"]
    assert target not in map(partial(bucket_of, data), LOCKED)
    assert target in data.resources("AWS::S3::Bucket")


@pytest.mark.parametrize("name", LOCKED)
def test_nobody_at_all_removes_or_shortens(data: Template, name: str) -> None:
    denial = denials_of(data, name)["NobodyRemovesOrShortens"]
    assert denial["Principal"] == {"AWS": "*"}
    assert "Condition" not in denial
    assert {
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:BypassGovernanceRetention",
        "s3:PutBucketObjectLockConfiguration",
    } <= set(denial["Action"])


def test_only_partial_files_are_locked_for_less_tagged_and_expire(data: Template) -> None:
    denial = denials_of(data, "Audit")["OnlyPassingObjectsAreMarked"]
    assert denial["Principal"] == {"AWS": "*"}
    assert "Condition" not in denial
    assert "Resource" not in denial
    assert [text for text in strings_in(denial["NotResource"]) if "*" in text] == [
        "/tile/0/*.p/*",
        "/tile/entries/*.p/*",
    ]
    assert {"s3:PutObjectRetention", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"} == set(denial["Action"])
    bucket = data.properties("AWS::S3::Bucket")[bucket_of(data, "Audit")]
    expiring, markers = bucket["LifecycleConfiguration"]["Rules"]
    assert expiring["TagFilters"] == [{"Key": "passing", "Value": "true"}]
    assert expiring["ExpirationInDays"] == 3
    assert {"ExpirationInDays", "NoncurrentVersionExpiration"}.isdisjoint(markers)


def test_no_evidence_is_locked_for_less_tagged_or_expires(data: Template) -> None:
    denial = denials_of(data, "Evidence")["OnlyPassingObjectsAreMarked"]
    assert denial["Principal"] == {"AWS": "*"}
    assert {"Condition", "NotResource"}.isdisjoint(denial)
    assert {"s3:PutObjectRetention", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"} == set(denial["Action"])
    assert [text[-2:] for text in strings_in(denial["Resource"]) if "*" in text] == ["/*"]
    assert "LifecycleConfiguration" not in data.properties("AWS::S3::Bucket")[bucket_of(data, "Evidence")]


@pytest.mark.parametrize(
    ("name", "sid", "action", "role"),
    [
        ("Audit", "OnlyBreakGlassChangesSettings", "s3:PutBucketPolicy", "-audit-break-glass"),
        ("Audit", "OnlyBreakGlassChangesSettings", "s3:PutLifecycleConfiguration", "-audit-break-glass"),
        ("Audit", "OnlyTheWriterPuts", "s3:PutObject", "-gateway-AuditWriter*"),
        ("Evidence", "OnlyBreakGlassChangesSettings", "s3:PutLifecycleConfiguration", "-audit-break-glass"),
        ("Evidence", "OnlyTheWriterPuts", "s3:PutObject", "-response-ContainEvidence*"),
    ],
)
def test_one_role_is_spared(data: Template, stage_name: str, name: str, sid: str, action: str, role: str) -> None:
    denial = denials_of(data, name)[sid]
    (spared,) = denial["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    assert denial["Principal"] == {"AWS": "*"}
    assert action in denial["Action"]
    assert text_of(spared).count(f":role/portcullis-{stage_name}{role}") == 1


def test_break_glass_needs_a_second_factor_and_neither_deletes_nor_writes(data: Template) -> None:
    (role,) = (id_ for id_ in data.resources("AWS::IAM::Role") if id_.startswith("AuditBreakGlass"))
    (trust,) = data.properties("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
    allowed = {action for each in data.statements_of(role) for action in as_list(each["Action"])}
    assert trust["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    assert {action for action in allowed if "Object" in action or "Delete" in action} == {"s3:DeleteBucketPolicy"}


def test_checkpoints_are_signed_by_the_writer_and_their_key_is_read_by_the_account(data: Template) -> None:
    (key,) = (each for each in data.properties("AWS::KMS::Key").values() if each["KeyUsage"] == "SIGN_VERIFY")
    statements = {each["Sid"]: each for each in key["KeyPolicy"]["Statement"] if "Sid" in each}
    assert key["KeySpec"] == "ECC_NIST_EDWARDS25519"
    assert statements["OnlyTheWriterSigns"]["Action"] == "kms:Sign"
    assert statements["OnlyTheWriterSigns"]["Effect"] == "Deny"
    assert "-gateway-AuditWriter*" in text_of(statements["OnlyTheWriterSigns"]["Condition"])
    assert statements["TheAccountReadsThePublicKey"]["Action"] == ["kms:DescribeKey", "kms:GetPublicKey"]


def test_the_writer_gets_everything_that_the_gateway_tells(gateway: Template) -> None:
    rules = gateway.properties("AWS::Events::Rule").values()
    assert {"source": ["portcullis"]} in [rule.get("EventPattern") for rule in rules]


def test_a_lag_a_queue_that_waits_and_a_log_that_disagrees_are_alarms(gateway: Template) -> None:
    alarms = gateway.properties("AWS::CloudWatch::Alarm").values()
    thresholds = {alarm["MetricName"]: alarm["Threshold"] for alarm in alarms}
    assert thresholds["AuditLag"] == 60_000
    assert thresholds["ApproximateAgeOfOldestMessage"] == 60
    assert thresholds["AuditLogDisagrees"] == 1
