"""What must never be lost cannot be deleted by mistake, and is never readable without TLS."""

from typing import Any

from portcullis.aws import key_uses
from portcullis.aws.nonces import to_item
from portcullis.domain.key_uses import Use
from tests.infra.template import Template

STATEFUL = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key")


def test_data_survives_the_deletion_of_its_stack_outside_local(data: Template, stage_name: str) -> None:
    for type_ in STATEFUL:
        for resource in data.resources(type_).values():
            kept = resource["DeletionPolicy"], resource["UpdateReplacePolicy"]
            assert kept == (("Delete", "Delete") if stage_name == "local" else ("Retain", "Retain"))


def test_tables_are_protected_against_deletion_outside_local(data: Template, stage_name: str) -> None:
    protected = {table["DeletionProtectionEnabled"] for table in data.properties("AWS::DynamoDB::Table").values()}
    assert protected == {stage_name != "local"}


def test_the_core_table_can_be_restored_to_any_second_and_streams_both_images(data: Template) -> None:
    (core,) = (table for table in data.properties("AWS::DynamoDB::Table").values() if "StreamSpecification" in table)
    assert core["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert core["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def named(data: Template, type_: str, name: str) -> list[dict[str, Any]]:
    """Properties of the one resource of a type whose logical id is ``name`` and a hash."""
    found = [each for id_, each in data.properties(type_).items() if id_[:-8] == name]
    assert len(found) == 1
    return found


def test_nonces_and_claims_expire_and_are_not_streamed(data: Template) -> None:
    for name in ("Nonces", "AuditClaims"):
        (table,) = named(data, "AWS::DynamoDB::Table", name)
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
        assert "StreamSpecification" not in table


def test_only_nonces_that_tell_a_use_are_found_by_their_key_and_without_their_claim(data: Template) -> None:
    (nonces,) = named(data, "AWS::DynamoDB::Table", "Nonces")
    (index,) = nonces["GlobalSecondaryIndexes"]
    keys = {part["KeyType"]: part["AttributeName"] for part in index["KeySchema"]}
    told = key_uses.to_item("key", Use(1, "192.0.2.1"))
    assert index["IndexName"] == key_uses.INDEX
    assert [*keys.values(), *index["Projection"]["NonKeyAttributes"]] == [*told]
    assert (list(keys), index["Projection"]["ProjectionType"]) == (["HASH", "RANGE"], "INCLUDE")
    assert not told.keys() & to_item("key", "nonce", 1, "token", None).keys()


def test_the_root_of_secrets_can_only_make_and_verify_macs(data: Template) -> None:
    (key,) = named(data, "AWS::KMS::Key", "Mac")
    assert (key["KeySpec"], key["KeyUsage"]) == ("HMAC_256", "GENERATE_VERIFY_MAC")


def test_buckets_are_private_versioned_and_refused_without_tls(data: Template) -> None:
    policies = data.properties("AWS::S3::BucketPolicy").values()
    for id_, bucket in data.properties("AWS::S3::Bucket").items():
        (policy,) = (each["PolicyDocument"]["Statement"] for each in policies if each["Bucket"] == {"Ref": id_})
        refused = [each["Condition"] for each in policy if (each["Effect"], each["Action"]) == ("Deny", "s3:*")]
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert {"Bool": {"aws:SecureTransport": "false"}} in refused


def test_data_depends_on_nothing(data: Template) -> None:
    assert "Fn::ImportValue" not in str(data.body)


def test_outputs_have_the_names_that_tools_read(data: Template, gateway: Template) -> None:
    assert {"CoreTable", "NoncesTable", "PolicyBucket", "BusName", "MacKeyArn"} <= data.body["Outputs"].keys()
    assert {"AuditBucket", "AuditClaimsTable", "AuditKeyArn", "AuditOrigin"} <= data.body["Outputs"].keys()
    named = {name for name in gateway.body["Outputs"] if not name.startswith("ExportsOutput")}
    assert named == {
        "AgentApiId",
        "AgentApiUrl",
        "OperatorApiId",
        "OperatorApiUrl",
        "WebAclArn",
        "BlockListArn",
    }
