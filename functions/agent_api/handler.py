"""The agent API: parse, call, render. The authorizer verified who asks."""

from typing import Any

from functions.agent_api import identity, request, risk, settlement, transactions
from portcullis.aws.agent_calls import Calls
from portcullis.aws.proxy import Answer

ROUTES = identity.ROUTES | transactions.ROUTES | settlement.ROUTES | risk.ROUTES


def handler(event: dict[str, Any], _context: object) -> Answer:
    """A proxy event in, a proxy answer out."""
    own = request.stores()
    calls = Calls(ROUTES, own.ledger, own.teller, request.now, own.country_header, transactions.COMMITTING)
    return calls.answer(event)
