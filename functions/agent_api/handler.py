"""The agent API: parse, call, render. The authorizer verified who asks; here the body is bound to it."""

from typing import Any

from functions.agent_api import identity, request, risk, settlement, transactions
from portcullis.aws.ledger import Rejected
from portcullis.aws.proxy import Answer, Refusal, check_body, raw_body, respond
from portcullis.domain.rate_fields import rate_fields
from portcullis.domain.record import Principal
from portcullis.protocol.signing import body_digest

ROUTES = identity.ROUTES | transactions.ROUTES | settlement.ROUTES | risk.ROUTES


def handler(event: dict[str, Any], _context: object) -> Answer:
    """A proxy event in, a proxy answer out. Whatever is not understood is refused."""
    return respond(event, lambda: _answer(event))


def _answer(event: dict[str, Any]) -> Answer:
    principal = request.principal_of(event)
    if body_digest(raw_body(event)) != principal.digest:
        raise Refusal("body_digest_mismatch")
    check_body(event)
    handle = ROUTES[event["httpMethod"], event["resource"]]
    if handle is transactions.create:
        return handle(event, principal)
    fields = _admit(principal)
    answer = handle(event, principal)
    answer["headers"] |= fields
    return answer


def _admit(principal: Principal) -> dict[str, str]:
    """Count a call; the rate fields of its answer."""
    admission = request.stores().ledger.admit(principal)
    if isinstance(admission, Rejected):
        raise Refusal(admission.code)
    fields = rate_fields(admission.claims, admission.tats, suffix="-calls")
    if admission.retry_after is not None:
        raise Refusal("rate_limited", headers={**fields, "Retry-After": str(admission.retry_after)})
    return fields
