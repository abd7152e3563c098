"""WAF in front of the stages it is associated with.

Symptom mended: web ACLs are stored and never applied, so nothing is blocked, limited or refused for its size.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from local.emulator.client_request import current
from local.emulator.hooks import module, replace
from local.emulator.source_address import LOOPBACK, source_address
from local.emulator.waf_rates import RateCounter
from local.emulator.waf_request import Inspected
from local.emulator.waf_statements import Evaluation

Response = tuple[int, dict[str, str], bytes]
_rates = RateCounter()


def mend() -> None:
    app = module("app")

    def handle_execute_api(original: Any) -> Any:
        async def handle(
            host: str, path: str, method: str, headers: dict[str, str], body: bytes, query: Any, *more: Any, **raw: Any
        ) -> Any:
            target = app._parse_execute_api_url(host, path)
            if target is not None:
                stage_path = f"/{target[1]}{target[2]}"
                request = inspected(method, stage_path, raw.get("raw_query_string") or "", headers, body)
                blocked = block(target[0], target[1], request, query)
                if blocked is not None:
                    return blocked
            return await original(host, path, method, headers, body, query, *more, **raw)

        return handle

    replace(app, "_handle_execute_api_request", handle_execute_api)


def inspected(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Inspected:
    """The request as WAF sees it; an address that is none counts as loopback."""
    address = source_address(headers)
    try:
        ipaddress.ip_address(address)
    except ValueError:
        address = LOOPBACK
    many = current().multi_value_headers() or {name: [value] for name, value in headers.items()}
    return Inspected(address, method, path, query, many, body)


def block(api_id: str, stage: str, request: Inspected, query: Any) -> Response | None:
    """The answer of the first blocking rule, or None when the request may pass."""
    gateway = module("services.apigateway_v1")
    scope = gateway.find_api_scope(api_id)
    if scope is None:
        return None
    with module("core.responses").request_scope(*scope):
        acl = _acl_of(f"arn:aws:apigateway:{scope[1]}::/restapis/{api_id}/stages/{stage}")
        action = verdict(acl, request) if acl else {}
        if "Block" not in action:
            return None
        custom = (action["Block"] or {}).get("CustomResponse")
        if custom:
            return _custom_response(custom, acl)
        return _filtered(gateway, api_id, stage, request, query)


def verdict(acl: Mapping[str, Any], request: Inspected) -> Mapping[str, Any]:
    """The action of the first terminating rule that matches, else the ACL's default action."""
    evaluation = Evaluation(request, _rates, _addresses_of, acl["Id"])
    for rule in sorted(acl["Rules"], key=lambda rule: int(rule["Priority"])):
        if not evaluation.matches(rule["Statement"], rule["Name"]):
            continue
        evaluation.labels.update(label["Name"] for label in rule.get("RuleLabels") or [])
        action: Mapping[str, Any] = rule.get("Action") or {}
        if "Block" in action or "Allow" in action:
            return action
    default: Mapping[str, Any] = acl["DefaultAction"]
    return default


def _acl_of(stage_arn: str) -> Any:
    waf = module("services.waf")
    wanted = waf._associations.get(stage_arn)
    return next((acl for acl in waf._web_acls.values() if acl["ARN"] == wanted), None) if wanted else None


def _addresses_of(arn: str) -> Iterable[str]:
    found = next((entry for entry in module("services.waf")._ip_sets.values() if entry["ARN"] == arn), None)
    return found["Addresses"] if found else ()


def _custom_response(custom: Mapping[str, Any], acl: Any) -> Response:
    headers = {entry["Name"]: entry["Value"] for entry in custom.get("ResponseHeaders") or []}
    body = (acl.get("CustomResponseBodies") or {}).get(custom.get("CustomResponseBodyKey"), {})
    types = {"APPLICATION_JSON": "application/json", "TEXT_PLAIN": "text/plain", "TEXT_HTML": "text/html"}
    headers.setdefault("Content-Type", types.get(body.get("ContentType"), "text/plain"))
    return int(custom["ResponseCode"]), headers, str(body.get("Content", "")).encode()


def _filtered(gateway: Any, api_id: str, stage: str, request: Inspected, query: Any) -> Response:
    rendering = {
        "api_id": api_id,
        "stage_name": stage,
        "stage": gateway.stages_for_api(api_id)[stage],
        "headers": {name: values[-1] for name, values in request.headers.items()},
        "query_params": query,
        "path_params": {},
        "resource_path": "",
        "request_id": current().request_id,
    }
    error = gateway._GatewayError("WAF_FILTERED", "Forbidden", "ForbiddenException")
    response: Response = gateway._gateway_error_response(error, rendering)
    return response
