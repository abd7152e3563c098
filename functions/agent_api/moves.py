"""Moving a transaction on for whoever asks, and what they are told when it cannot be."""

from typing import Any

from functions.agent_api.request import now, stores
from portcullis.aws import transitions
from portcullis.aws.proxy import Refusal
from portcullis.aws.transitions import Caller, NotLive, Plan
from portcullis.domain.account import ACTIVE
from portcullis.domain.identifiers import TRANSACTION_ID
from portcullis.domain.lifecycle import Conflict
from portcullis.domain.record import Mover, Principal, Record


def mover_of(principal: Principal) -> Mover:
    """Whoever asks, as the one who moves it now."""
    return Mover(principal.agent, principal.key_id, principal.source_ip, now())


def txid_of(event: dict[str, Any], missing: str) -> str:
    """The transaction that the path names; not_found with ``missing`` when it cannot be one."""
    txid: str = event["pathParameters"]["id"]
    if not TRANSACTION_ID.fullmatch(txid):
        raise Refusal("not_found", missing)
    return txid


def move(
    principal: Principal, agent: str, txid: str, plan: Plan, missing: str, states: tuple[str, ...] = (ACTIVE,)
) -> Record:
    """The transaction of ``agent`` as ``plan`` has moved it, or a refusal; ``missing`` is said where there is none.
    Whoever asks has to be in one of these ``states``."""
    caller = Caller(principal.agent, principal.key_version, states)
    try:
        outcome = transitions.apply(stores().table, agent, txid, plan, caller=caller)
    except NotLive as refused:
        raise Refusal(refused.code, refused.detail) from None
    if outcome is None:
        raise Refusal("not_found", missing)
    if isinstance(outcome, Conflict):
        raise Refusal(outcome.code, outcome.detail)
    return outcome
