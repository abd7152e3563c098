"""What follows from an agent's audit log for the report of an incident: money, keys, addresses, when it began. Pure.

Of a transaction its last entry says how it ended. What was approved or held when the agent was suspended can never be
claimed any more, so it is stopped, unless an entry says that it was claimed all the same, just before. An entry that
the gateway rebuilt has the state alone, so of the rest counts what the last entry says that has it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from portcullis.protocol.audit_entries import Entry

WAITING = ("approved", "pending_approval")
CLAIMED = ("executing", "needs_reconciliation")
SETTLED, FAILED, DENIED = "settled", "failed", "denied"
FOUND, ENDED = ("finding.opened", "finding.updated"), ("finding.closed", "finding.released")


@dataclass(frozen=True, slots=True)
class Payment:
    """A transaction by its entries: its state when the agent was suspended, and the last one, reached ``at`` then."""

    txid: str
    at_suspension: str
    state: str
    at: str
    data: Mapping[str, Any]
    """Of each member what the last entry says that has it."""

    @property
    def usd(self) -> Decimal:
        """Its worth; what nobody priced counts nothing."""
        try:
            worth = Decimal(str(self.data.get("usd", "0")))
        except InvalidOperation:
            return Decimal(0)
        return worth if worth.is_finite() else Decimal(0)

    @property
    def at_risk(self) -> bool:
        """Whether it could still have moved money when the agent was suspended."""
        return self.at_suspension in (*WAITING, *CLAIMED)

    @property
    def stopped(self) -> bool:
        """Whether the suspension is why it moves none."""
        return self.at_suspension in WAITING and self.state not in (*CLAIMED, SETTLED, FAILED)

    @property
    def claimed(self) -> bool:
        """Whether an executor may have paid it, and nobody has said so."""
        return self.state in CLAIMED

    @property
    def destination(self) -> str:
        """Whom it pays."""
        places = self.data.get("destination")
        kind, place = next(iter(places.items())) if isinstance(places, dict) and places else ("nobody", "")
        place = place.get("id", "") if isinstance(place, dict) else place
        return f"{self.data.get('chain', '')}:{place}" if kind in ("wallet", "contract") else f"{kind} {place}"


@dataclass(slots=True)
class Use:
    """When something was used first and last, how often, and how often it was refused or denied."""

    first: str
    last: str
    times: int = 0
    refused: int = 0
    beside: set[str] = field(default_factory=set)
    """With what else: the addresses of a key, the keys of an address."""

    def add(self, entry: Entry, beside: str) -> None:
        """One entry, which may tell of many requests."""
        first, last = (str(entry.data.get(name, entry.at)) for name in ("first_at", "last_at"))
        count = entry.data.get("count", 1)
        times = count if isinstance(count, int) else 1
        self.first, self.last = min(self.first, first), max(self.last, last)
        self.times += times
        self.refused += times if entry.outcome in ("denied", "refused") else 0
        self.beside.add(beside)


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one incident. ``began`` is the first sign of it, and ``sign`` which that was."""

    began: str
    sign: str
    payments: Sequence[Payment]
    keys: Mapping[str, Use]
    addresses: Mapping[str, Use]

    def lost(self) -> list[Payment]:
        """What was paid since it began."""
        return [each for each in self.payments if each.state == SETTLED and each.at >= self.began]

    def involved(self) -> list[Payment]:
        """What was at risk, or has an entry since it began, but for denials."""
        alive = (each for each in self.payments if each.state != DENIED)
        return [each for each in alive if each.at >= self.began or each.at_risk]


def facts(incident: Mapping[str, Any], entries: Sequence[Entry]) -> Facts:
    """From an incident's public form and its agent's entries."""
    began, sign = _beginning(incident, entries)
    keys, addresses = dict[str, Use](), dict[str, Use]()
    for entry in filter(_by_the_agent, entries):
        key, at = entry.key or "(several)", entry.at
        address = entry.ip or "(several)"
        keys.setdefault(key, Use(at, at)).add(entry, address)
        addresses.setdefault(address, Use(at, at)).add(entry, key)
    return Facts(began, sign, list(_payments(incident, entries)), keys, addresses)


def total(payments: Iterable[Payment]) -> Decimal:
    """What they are worth together, in USD."""
    return sum((each.usd for each in payments), Decimal(0))


def _payments(incident: Mapping[str, Any], entries: Sequence[Entry]) -> Iterator[Payment]:
    """Those from before the agent came back. One that bears an instant after the suspension committed just before."""
    moves: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.txid is not None and entry.type.startswith("transaction."):
            moves.setdefault(entry.txid, []).append(entry)
    for txid, told in moves.items():
        told.sort(key=lambda entry: entry.rev)
        if told[0].at <= incident.get("recovered_at", told[0].at):
            before = [entry for entry in told if entry.at <= incident["opened_at"]]
            data = {name: value for entry in told for name, value in entry.data.items()}
            yield Payment(txid, _state((before or told[:1])[-1]), _state(told[-1]), told[-1].at, data)


def _state(entry: Entry) -> str:
    return str(entry.data.get("status", ""))


def _beginning(incident: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[str, str]:
    """The first of the findings that triggered it; else of all that nobody released; else the trigger itself.

    Nothing of an earlier incident: neither what had ended by then, nor what was told before the agent last came back.
    """
    suspended = str(incident["opened_at"])
    back = max((each.at for each in entries if each.type == "agent.recovered" and each.at < suspended), default="")
    over = {each.data.get("id") for each in entries if each.type in ENDED and each.at < suspended}
    released = {each.data.get("id") for each in entries if each.type == "finding.released"}
    told = [each.data for each in entries if each.type in FOUND and each.at > back and each.data.get("id") not in over]
    named = {trigger.get("reference") for trigger in incident["triggers"]}
    wanted = [data for data in told if data.get("id") in named]
    wanted = wanted or [data for data in told if data.get("id") not in released]
    signs = [(max(back, str(data.get("opened_at", ""))), f"finding {data.get('id')}") for data in wanted]
    return min(((at, sign) for at, sign in signs if "" < at <= suspended), default=(suspended, "the trigger itself"))


def _by_the_agent(entry: Entry) -> bool:
    """Whether a proved request of the agent caused it: its payments tell what executors and risk agents did too."""
    if entry.type.startswith("transaction.") and entry.data.get("updated_by", entry.agent) != entry.agent:
        return False
    return entry.verified and not entry.type.startswith(("finding.", "incident."))
