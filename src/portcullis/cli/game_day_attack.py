"""The theft that a game day plays: an agent made for it works, and then its key is in somebody else's hands.

What the thief does (a payment to a stranger, above the limit, again and again) an injected prompt makes an agent do as
well. It takes no history to be told from work: `destination_outside`, `limit_hits`, `identical_requests` and
`denial_rate` speak at once.
"""

import time
from dataclasses import dataclass, field
from decimal import Decimal

from portcullis.cli.failure import REFUSED, Failure
from portcullis.cli.operator import Operator
from portcullis.client import Approved, Gateway, PortcullisError, RetryPolicy
from portcullis.client.calls import TransactionFields

WALLET = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
STRANGER = "0x8617e340b3d01fa5f11f306f4090fd50e238070d"
CHAIN, TOKEN = "base", "USDC"
POLICY = {
    "allowlist": {"wallets": [f"{CHAIN}:{WALLET}"], "tokens": [TOKEN]},
    "limits": {"per_transaction": "50", "daily": "500"},
    "rate": {"per_minute": 6000, "burst": 100},
}
WORK, LOOT = 10, "60"
PAYMENTS = 5
"""Of honest work, before the theft."""
PAUSE_SECONDS = 0.1
LONGEST_SECONDS = 120.0
"""After which an attack that nobody stopped ends, and with it the drill."""
NO_KEY = "invalid_credentials"
STOPPED = frozenset({"agent_suspended", NO_KEY})


@dataclass(slots=True)
class Theft:
    """What the thief saw, by the clock of this machine (seconds of time.monotonic). ``stolen`` is what was approved."""

    began: float
    tried: int = 0
    stolen: list[Decimal] = field(default_factory=list)
    stopped: float | None = None
    refused_by: str | None = None


@dataclass(frozen=True, slots=True)
class Victim:
    """An agent of the game day and its only key."""

    agent_id: str
    key_id: str
    secret: str = field(repr=False)

    @property
    def stage(self) -> str:
        """The stage that has issued the key, which is a part of it."""
        return self.key_id.split("_")[1]

    def gateway(self, url: str) -> Gateway:
        """Its client, which tries once: a thief who is refused is not asked to come again."""
        return Gateway(url, self.key_id, self.secret, retry=RetryPolicy(attempts=1))


def victim(operator: Operator) -> Victim:
    """A new agent with a key."""
    agent = operator.create("/v1/agents", {"name": "game day", "policy": POLICY})["agent_id"]
    return Victim(agent, **key(operator, agent))


def key(operator: Operator, agent: str) -> dict[str, str]:
    """A new key of the agent."""
    issued = operator.create(f"/v1/agents/{agent}/keys", {})
    return {name: issued[name] for name in ("key_id", "secret")}


def work(gateway: Gateway, payments: int = PAYMENTS) -> None:
    """What the agent is for. Failure where the gateway does not approve of it."""
    for number in range(payments):
        try:
            decision = gateway.create_transaction(**payment(str(WORK + number), WALLET))
        except PortcullisError as error:
            raise Failure(f"the agent cannot work: {error}", REFUSED) from None
        if not isinstance(decision, Approved):
            raise Failure(
                f"the agent's ordinary payment was not approved: {decision}. Is {TOKEN} priced? "
                f"portcullis prices set {TOKEN} 1 --peg",
                REFUSED,
            )


def steal(gateway: Gateway) -> Theft:
    """The theft, until the gateway stops the agent or the time is over."""
    theft = Theft(time.monotonic())
    while theft.stopped is None and time.monotonic() < theft.began + LONGEST_SECONDS:
        _attempt(gateway, theft)
        time.sleep(PAUSE_SECONDS)
    return theft


def _attempt(gateway: Gateway, theft: Theft) -> None:
    """First, and now and then, what the policy allows, which is what a thief gets away with; else to a stranger."""
    amount, wallet = ("1", WALLET) if theft.tried % 15 < 2 else (LOOT, STRANGER)
    theft.tried += 1
    try:
        decision = gateway.create_transaction(**payment(amount, wallet))
    except PortcullisError as error:
        if error.code in STOPPED:
            theft.stopped, theft.refused_by = time.monotonic(), error.code
        return
    if isinstance(decision, Approved):
        theft.stolen.append(Decimal(amount))


def payment(amount: str, wallet: str) -> TransactionFields:
    """The fields of a transfer."""
    return {"kind": "transfer", "amount": amount, "token": TOKEN, "chain": CHAIN, "destination": {"wallet": wallet}}
