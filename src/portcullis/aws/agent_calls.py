"""What is the same for every function behind the authorizer: the body is the one that was signed, the call is within
its rate, and how it was answered is told."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from portcullis.aws.ledger import Ledger, Rejected
from portcullis.aws.proxy import (
    Answer,
    Refusal,
    check_body,
    country,
    raw_body,
    refused_request,
    respond,
    served_request,
)
from portcullis.aws.telling import Teller
from portcullis.domain import rate
from portcullis.domain.rate_fields import rate_fields
from portcullis.domain.record import Principal
from portcullis.protocol.signing import body_digest

Route = tuple[str, str]
Routes = Mapping[Route, Callable[[dict[str, Any], Principal], Answer]]


@dataclass(frozen=True, slots=True)
class Calls:
    """How one function answers: by ``routes``, of which ``committing`` count for a rate themselves, and whose commits
    are told by the outbox. ``micros`` is the clock, ``country_header`` the header that tells the sender's country."""

    routes: Routes
    ledger: Ledger
    teller: Teller
    micros: Callable[[], int]
    country_header: str | None
    committing: Collection[Route] = ()

    def answer(self, event: dict[str, Any]) -> Answer:
        """A proxy event in, a proxy answer out. Whatever is not understood is refused."""
        call = _Call(self, event)
        try:
            return respond(event, call.answer, call.refused)
        finally:
            self.teller.flush(self.micros())

    def admit(self, principal: Principal) -> dict[str, str]:
        """Count a call; the rate fields of its answer."""
        admission = self.ledger.admit(principal)
        if isinstance(admission, Rejected):
            raise Refusal(admission.code)
        fields = rate_fields(admission.claims, admission.tats, suffix="-calls")
        if admission.retry_after is not None:
            raise Refusal("rate_limited", headers={**fields, "Retry-After": str(admission.retry_after)})
        return fields


class _Call:
    """One request. What it is refused for before a rate has counted it costs its sender nothing: such are summed."""

    def __init__(self, calls: Calls, event: dict[str, Any]) -> None:
        self._calls = calls
        self._event = event
        self._principal = _principal(event, calls.country_header)
        self._counted = False

    def answer(self) -> Answer:
        """The answer to a body that is the one signed."""
        event, principal = self._event, self._principal
        if body_digest(raw_body(event)) != principal.digest:
            raise Refusal("body_digest_mismatch")
        check_body(event)
        route = event["httpMethod"], event["resource"]
        handle = self._calls.routes[route]
        if route in self._calls.committing:
            return handle(event, principal)
        fields = self._calls.admit(principal)
        self._counted = True
        answer = handle(event, principal)
        answer["headers"] |= fields
        served = served_request(event, answer, **_sender(principal))
        self._calls.teller.count(served, self._calls.micros())
        return answer

    def refused(self, code: str) -> None:
        """Have it told. Of a denial its transaction's own event tells; of another body the agent knows nothing."""
        if code == "policy_denied":
            return
        altered = code == "body_digest_mismatch"
        sender = {"key_id": self._principal.key_id} if altered else _sender(self._principal)
        refused = refused_request(self._event, code, **sender)
        teller = self._calls.teller
        (teller.tell if self._counted else teller.count)(refused, self._calls.micros())


def _sender(principal: Principal) -> dict[str, Any]:
    """Who a verified request is from, as fields of Answered."""
    return {
        "agent": principal.agent,
        "key_id": principal.key_id,
        "verified": True,
        "country": principal.country,
    }


def _principal(event: dict[str, Any], country_header: str | None) -> Principal:
    """Who asks, as the authorizer verified it."""
    context = event["requestContext"]
    verdict = context["authorizer"]
    return Principal(
        agent=verdict["agent"],
        key_id=verdict["key"],
        key_version=verdict["key_version"],
        scopes=frozenset(verdict["scopes"].split()),
        digest=verdict["digest"],
        source_ip=context["identity"]["sourceIp"],
        key_rate=rate.parse(verdict["rate"]),
        country=country(event, country_header),
    )
