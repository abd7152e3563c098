"""From refusals to blocks, and from blocks to the firewall and the bus."""

from portcullis.aws import addresses, source_blocks
from portcullis.aws.bus import Bus
from portcullis.aws.dynamo import Table
from portcullis.aws.firewall import Firewall
from portcullis.aws.function_settings import SourcesSettings
from portcullis.aws.settings import AwsEnvironment
from portcullis.aws.source_blocks import Stored
from portcullis.aws.wire import Service
from portcullis.domain import events, times
from portcullis.domain.detection import networks, sources
from portcullis.domain.detection.sources import Block, Refusals


class Blocking:
    """What the function needs."""

    def __init__(self, settings: SourcesSettings, environment: AwsEnvironment) -> None:
        self._table = Table(settings.profiles_table, Service("dynamodb", environment))
        self._bus = Bus(settings.bus, Service("events", environment))
        self._firewall = Firewall(Service("wafv2", environment), settings.block_lists)
        self._never = settings.never_block

    def count(self, refusals: list[Refusals], now: int) -> Block | None:
        """Count what one address was refused; the block of it that was stored for that, if any."""
        address = refusals[0].address
        window = source_blocks.count(self._table, refusals, now)
        signals = sources.judge(window, now)
        if not signals or networks.is_spared(address, self._never):
            return None
        name = networks.name_of(address)
        stored = source_blocks.read(self._table, name)
        last = stored.block if stored else None
        if last is not None and (now < last.until or sources.newest(window) < last.until):
            return None
        if addresses.in_use(self._table, str(address.network_address), now):
            return None
        block = sources.block(address, signals, last, now)
        return block if source_blocks.begin(self._table, block) else None

    def reconcile(self, now: int, *begun: Block) -> int:
        """Make firewall and bus say what is stored; how many addresses are blocked. The index, which lags, may not know
        yet what has just ``begun``."""
        standing: list[Stored] = []

        def wanted() -> set[str]:
            listed = source_blocks.list_blocks(self._table, now)
            known = {stored.block.address for stored in listed}
            standing[:] = listed + [Stored(block) for block in begun if block.address not in known]
            return {stored.block.address for stored in standing}

        self._firewall.hold(wanted)
        self._tell(standing, now)
        return len(standing)

    def _tell(self, standing: list[Stored], now: int) -> None:
        untold = [stored for stored in standing if not stored.told]
        ended = source_blocks.ended(self._table, now)
        began = [*untold, *(stored for stored in ended if not stored.told)]
        self._bus.put([_blocked(stored) for stored in began] + [_unblocked(stored) for stored in ended])
        for stored in untold:
            source_blocks.mark_told(self._table, stored.block)
        for stored in ended:
            source_blocks.mark_ended(self._table, stored.block)


def _blocked(stored: Stored) -> dict[str, object]:
    block = stored.block
    data: dict[str, object] = {
        "address": block.address,
        "severity": block.severity,
        "times": block.times,
        "reason": block.reason,
        "until": times.rfc3339(block.until),
    }
    return _event(stored, "source.blocked", 1, block.since, data)


def _unblocked(stored: Stored) -> dict[str, object]:
    data: dict[str, object] = {
        "address": stored.block.address,
        "reason": stored.lift_reason or "expired",
        "actor": stored.lifted_by or "expiry",
    }
    return _event(stored, "source.unblocked", 2, stored.block.until, data)


def _event(stored: Stored, type_: str, rev: int, at: int, data: dict[str, object]) -> dict[str, object]:
    address = stored.block.address
    return events.envelope(
        subject=f"source/{address}/{stored.block.since}",
        rev=rev,
        type_=type_,
        agent=None,
        key=None,
        source_ip=address.removesuffix("/64"),
        at=at,
        txid=None,
        verified=False,
        data=data,
    )
