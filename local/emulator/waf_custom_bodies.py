"""Custom response bodies of a web ACL.

Symptom mended: `CustomResponseBodies` of the template are dropped, so a blocked request is answered with no body.
"""

from typing import Any

from local.emulator.hooks import after_deploy, module


def mend() -> None:
    after_deploy("AWS::WAFv2::WebACL", _keep_bodies)


def _keep_bodies(physical_id: str, _attributes: dict[str, Any], properties: dict[str, Any]) -> None:
    _name, acl_id, scope = physical_id.split("|")
    record = module("services.waf").web_acl_record(acl_id, scope)
    record["CustomResponseBodies"] = properties.get("CustomResponseBodies") or {}
