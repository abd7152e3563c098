"""Properties of the template that the plain emulator drops or that the product relies on."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import Deployed


def test_table_settings(deployed: Deployed) -> None:
    tables = deployed.client("dynamodb")
    core, nonces = deployed.outputs["Core"], deployed.outputs["Nonces"]
    ttl = tables.describe_time_to_live(TableName=nonces)["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires_at")
    backups = tables.describe_continuous_backups(TableName=core)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert tables.describe_table(TableName=core)["Table"]["DeletionProtectionEnabled"] is True
    with pytest.raises(ClientError, match="protect"):
        tables.delete_table(TableName=core)


def test_mac_key(deployed: Deployed) -> None:
    kms = deployed.client("kms")
    described = kms.describe_key(KeyId=deployed.outputs["Key"])["KeyMetadata"]
    assert (described["KeySpec"], described["KeyUsage"]) == ("HMAC_256", "GENERATE_VERIFY_MAC")

    def mac(message: bytes) -> Any:
        return kms.generate_mac(KeyId=deployed.outputs["Key"], Message=message, MacAlgorithm="HMAC_SHA_256")["Mac"]

    assert mac(b"a") == mac(b"a")
    assert len({mac(b"a"), mac(b"b")}) == 2


def test_bucket_settings(deployed: Deployed) -> None:
    s3, bucket = deployed.client("s3"), deployed.outputs["Bucket"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_a_reference_to_a_secret_is_its_arn_and_its_value_as_the_template_wants(deployed: Deployed) -> None:
    secrets, arn = deployed.client("secretsmanager"), deployed.outputs["Secret"]
    found = secrets.get_secret_value(SecretId=arn)
    assert found["ARN"] == arn
    assert len(found["SecretString"]) == 200
    assert found["SecretString"].isalnum()
