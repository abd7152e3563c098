"""The agent API: parse, call, render. The authorizer verified who asks; here the body is bound to it."""

from typing import Any

from functions.agent_api import identity, request, risk, settlement, transactions
from portcullis.aws.ledger import Rejected
from portcullis.aws.proxy import Answer, Refusal, check_body, raw_body, refused_request, respond
from portcullis.domain.rate_fields import rate_fields
from portcullis.domain.record import Principal
from portcullis.protocol.signing import body_digest

ROUTES = identity.ROUTES | transactions.ROUTES | settlement.ROUTES | risk.ROUTES


def handler(event: dict[str, Any], _context: object) -> Answer:
    """A proxy event in, a proxy answer out. Whatever is not understood is refused."""
    call = _Call(event)
    try:
        return respond(event, call.answer, call.refused)
    finally:
        request.stores().teller.flush(request.now())


class _Call:
    """One request. What it is refused for before a rate has counted it costs its sender nothing: such are summed."""

    def __init__(self, event: dict[str, Any]) -> None:
        self._event = event
        self._principal = request.principal_of(event)
        self._counted = False

    def answer(self) -> Answer:
        """The answer to a body that is the one signed."""
        event, principal = self._event, self._principal
        if body_digest(raw_body(event)) != principal.digest:
            raise Refusal("body_digest_mismatch")
        check_body(event)
        handle = ROUTES[event["httpMethod"], event["resource"]]
        if handle is transactions.create:
            return handle(event, principal)
        fields = _admit(principal)
        self._counted = True
        answer = handle(event, principal)
        answer["headers"] |= fields
        return answer

    def refused(self, code: str) -> None:
        """Have it told. Of a denial its transaction's own event tells; of another body the agent knows nothing."""
        if code == "policy_denied":
            return
        sender = self._principal
        verified = code != "body_digest_mismatch"
        agent = sender.agent if verified else None
        refused = refused_request(self._event, code, agent=agent, key_id=sender.key_id, verified=verified)
        teller = request.stores().teller
        (teller.tell if self._counted else teller.count)(refused, request.now())


def _admit(principal: Principal) -> dict[str, str]:
    """Count a call; the rate fields of its answer."""
    admission = request.stores().ledger.admit(principal)
    if isinstance(admission, Rejected):
        raise Refusal(admission.code)
    fields = rate_fields(admission.claims, admission.tats, suffix="-calls")
    if admission.retry_after is not None:
        raise Refusal("rate_limited", headers={**fields, "Retry-After": str(admission.retry_after)})
    return fields
