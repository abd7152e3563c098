"""WAF's IP sets and web ACL associations as template resources.

Symptom mended: deployment stops at `Unsupported resource type: AWS::WAFv2::IPSet` (and `WebACLAssociation`).
"""

import json
from typing import Any

from local.emulator.hooks import module, resource_handlers

Properties = dict[str, Any]
Deployed = tuple[str, dict[str, Any]]


def mend() -> None:
    handlers = resource_handlers()
    handlers["AWS::WAFv2::IPSet"] = {"create": _create_set, "update": _update_set, "delete": _delete_set}
    handlers["AWS::WAFv2::WebACLAssociation"] = {
        "create": _associate,
        "update": _reassociate,
        "delete": lambda _physical_id, properties: _waf()._disassociate_web_acl(properties),
    }


def _waf() -> Any:
    return module("services.waf")


def _checked(response: tuple[int, dict[str, str], bytes]) -> dict[str, Any]:
    status, _headers, body = response
    if status >= 400:
        raise ValueError(body.decode())
    answer: dict[str, Any] = json.loads(body or b"{}")
    return answer


def _create_set(logical_id: str, properties: Properties, stack: str) -> Deployed:
    provisioners = module("services.cloudformation.provisioners")
    name = properties.get("Name") or provisioners._physical_name(stack, logical_id, max_len=128)
    summary = _checked(_waf()._create_ip_set({**properties, "Name": name}))["Summary"]
    return f"{name}|{summary['Id']}|{properties['Scope']}", {"Arn": summary["ARN"], "Id": summary["Id"]}


def _update_set(physical_id: str, _old: Properties, new: Properties, _stack: str) -> Deployed:
    _name, set_id, scope = physical_id.split("|")
    _checked(_waf()._update_ip_set({"Id": set_id, "Scope": scope, "Addresses": new["Addresses"]}))
    return physical_id, {"Arn": _waf()._resource_from_scope(_waf()._ip_sets, set_id, scope)["ARN"], "Id": set_id}


def _delete_set(physical_id: str, _properties: Properties) -> None:
    _name, set_id, scope = physical_id.split("|")
    _waf()._delete_ip_set({"Id": set_id, "Scope": scope})


def _associate(_logical_id: str, properties: Properties, _stack: str) -> Deployed:
    _checked(_waf()._associate_web_acl(properties))
    return f"{properties['ResourceArn']}|{properties['WebACLArn']}", {}


def _reassociate(physical_id: str, old: Properties, new: Properties, stack: str) -> Deployed:
    _waf()._disassociate_web_acl(old)
    return _associate(physical_id, new, stack)
