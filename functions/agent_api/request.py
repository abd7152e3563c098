"""What every route of the agent API reads from its request, and the stores of this process."""

import time
from dataclasses import dataclass
from functools import cache

from portcullis.aws import settings
from portcullis.aws.dynamo import Table
from portcullis.aws.ledger import Ledger
from portcullis.aws.policies import Policies
from portcullis.aws.proxy import Refusal
from portcullis.aws.telling import Teller
from portcullis.aws.wire import Service
from portcullis.domain.account import ACTIVE, LOCKED_TEXT
from portcullis.domain.record import Principal


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of this process."""

    table: Table
    policies: Policies
    ledger: Ledger
    teller: Teller
    country_header: str | None


@cache
def stores() -> Stores:
    """Made on the first request."""
    own, environment = settings.agent_api(), settings.aws()
    table = Table(own.core_table, Service("dynamodb", environment))
    policies = Policies(Service("s3", environment), own.policy_bucket)
    teller = Teller(environment, own.bus, "agent_api")
    return Stores(table, policies, Ledger(table, policies, micros=now), teller, own.country_header)


def now() -> int:
    """This instant in microseconds."""
    return time.time_ns() // 1000


def require(principal: Principal, scope: str, states: tuple[str, ...] = (ACTIVE,)) -> None:
    """The key must have ``scope``, and its agent be active as far as is known here, or in one of these ``states``."""
    if scope not in principal.scopes:
        raise Refusal("scope_missing", f"The key lacks the scope {scope}.")
    account = stores().ledger.account(principal.agent)
    if account is None or account.state not in states:
        raise Refusal("agent_suspended", account.stopped if account else None)


def require_to_move(principal: Principal, scope: str) -> None:
    """As require, for what lets value move: nothing does while the fleet is in lockdown."""
    require(principal, scope)
    if stores().ledger.gate.is_closed():
        raise Refusal("agent_suspended", LOCKED_TEXT)
