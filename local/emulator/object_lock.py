"""A bucket's Object Lock, with its default retention.

Symptom mended: the template's lock is dropped, so objects of the audit log can be deleted and have no retention.
"""

from typing import Any

from local.emulator.hooks import after_deploy, is_true, module


def mend() -> None:
    after_deploy("AWS::S3::Bucket", _apply)


def _apply(bucket: str, _attributes: dict[str, Any], properties: dict[str, Any]) -> None:
    if not is_true(properties.get("ObjectLockEnabled", False)):
        return
    rule = (properties.get("ObjectLockConfiguration") or {}).get("Rule") or {}
    retention = rule.get("DefaultRetention")
    numbers = {unit: int(retention[unit]) for unit in ("Days", "Years") if unit in retention} if retention else {}
    s3 = module("services.s3")
    s3._bucket_versioning[bucket] = "Enabled"
    s3._bucket_object_lock[bucket] = {
        "enabled": True,
        "default_retention": {"Mode": retention["Mode"], **numbers} if retention else None,
    }
