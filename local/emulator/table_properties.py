"""A table's time to live, point-in-time recovery and deletion protection.

Symptom mended: the template's settings are dropped, so nothing expires and `DescribeContinuousBackups` says disabled.
"""

from typing import Any

from local.emulator.hooks import after_deploy, is_true, module


def mend() -> None:
    after_deploy("AWS::DynamoDB::Table", _apply)
    after_deploy("AWS::DynamoDB::GlobalTable", _apply)


def _apply(table: str, _attributes: dict[str, Any], properties: dict[str, Any]) -> None:
    dynamodb = module("services.dynamodb")
    replica = (properties.get("Replicas") or [{}])[0]
    ttl = properties.get("TimeToLiveSpecification")
    if ttl:
        specification = {"Enabled": is_true(ttl.get("Enabled", True)), "AttributeName": ttl["AttributeName"]}
        _checked(dynamodb._update_ttl({"TableName": table, "TimeToLiveSpecification": specification}))
    recovery = properties.get("PointInTimeRecoverySpecification") or replica.get("PointInTimeRecoverySpecification")
    if recovery:
        enabled = {"PointInTimeRecoveryEnabled": is_true(recovery["PointInTimeRecoveryEnabled"])}
        request = {"TableName": table, "PointInTimeRecoverySpecification": enabled}
        _checked(dynamodb._update_continuous_backups(request))
    protected = properties.get("DeletionProtectionEnabled", replica.get("DeletionProtectionEnabled", False))
    dynamodb._tables[table]["DeletionProtectionEnabled"] = is_true(protected)


def _checked(response: tuple[int, dict[str, str], bytes]) -> None:
    status, _headers, body = response
    if status >= 400:
        raise ValueError(body.decode())
