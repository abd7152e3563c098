"""A bucket that the template locks keeps what is in it, against the account's root as well."""

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import Deployed


def test_a_locked_version_is_kept_for_the_default_retention(deployed: Deployed) -> None:
    s3, bucket = deployed.client("s3"), deployed.outputs["Locked"]
    rule = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]["Rule"]
    assert rule["DefaultRetention"] == {"Mode": "COMPLIANCE", "Days": 1}
    version = s3.put_object(Bucket=bucket, Key="a", Body=b"a")["VersionId"]
    with pytest.raises(ClientError, match="object lock"):
        s3.delete_object(Bucket=bucket, Key="a", VersionId=version)


def test_what_exists_is_not_created_again(deployed: Deployed) -> None:
    s3, bucket = deployed.client("s3"), deployed.outputs["Locked"]
    s3.put_object(Bucket=bucket, Key="once", Body=b"a", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="once", Body=b"b", IfNoneMatch="*")


def test_a_bucket_without_a_lock_has_none(deployed: Deployed) -> None:
    with pytest.raises(ClientError, match="ObjectLockConfigurationNotFound"):
        deployed.client("s3").get_object_lock_configuration(Bucket=deployed.outputs["Bucket"])
