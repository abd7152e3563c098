"""The resource of WAF's calls on IP sets.

Symptom mended: every call that names something is taken for one on a web ACL of that name, so a role that is bound to
an IP set reaches none.
"""

from collections.abc import Mapping
from typing import Any

from local.emulator.hooks import as_object, module, replace


def mend() -> None:
    def extract(original: Any) -> Any:
        def resource(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
            *_, region, account = rest
            found = ip_set_arn(headers, body, region, account) if service == "wafv2" else None
            return found or str(original(service, method, path, headers, body, *rest))

        return resource

    replace(module("core.iam_actions"), "extract_resource_arn", extract)


def ip_set_arn(headers: Mapping[str, str], body: bytes, region: str, account: str) -> str | None:
    """That of the IP set which a call names; None for other calls."""
    target = next((value for name, value in headers.items() if name.lower() == "x-amz-target"), "")
    request = as_object(body)
    if not target.endswith("IPSet") or "Id" not in request:
        return None
    scope = "regional" if request.get("Scope") == "REGIONAL" else "global"
    return f"arn:aws:wafv2:{region}:{account}:{scope}/ipset/{request.get('Name')}/{request['Id']}"
