"""What each function is told by its deployment."""

from collections.abc import Mapping
from dataclasses import dataclass

from portcullis.domain.detection.sources import Network
from portcullis.domain.key_classes import Rotation


@dataclass(frozen=True, slots=True)
class AuthorizerSettings:
    """Of the authorizer."""

    stage: str
    core_table: str
    nonces_table: str
    bus: str
    mac_keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AgentApiSettings:
    """Of the agent API."""

    stage: str
    core_table: str
    policy_bucket: str
    bus: str
    country_header: str | None


@dataclass(frozen=True, slots=True)
class AgentKeysSettings:
    """Of the agents' own management of their keys."""

    stage: str
    core_table: str
    policy_bucket: str
    bus: str
    mac_keys: Mapping[str, str]
    rotation: Rotation
    country_header: str | None


@dataclass(frozen=True, slots=True)
class AuditReaderSettings:
    """Of what reads the audit log."""

    bucket: str
    key_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class OperatorApiSettings:
    """Of the operator API."""

    stage: str
    core_table: str
    nonces_table: str
    profiles_table: str
    policy_bucket: str
    bus: str
    mac_keys: Mapping[str, str]
    rotation: Rotation
    rotation_function: str


@dataclass(frozen=True, slots=True)
class KeyRotationSettings:
    """Of the rotation of delivered keys; ``api_url`` is that of the agent API, its stage included."""

    stage: str
    core_table: str
    api_url: str
    mac_keys: Mapping[str, str]
    rotation: Rotation


@dataclass(frozen=True, slots=True)
class PriceFeedSettings:
    """Of the price feed."""

    core_table: str


@dataclass(frozen=True, slots=True)
class ProposalsSettings:
    """Of the trust upgrade proposals."""

    core_table: str


@dataclass(frozen=True, slots=True)
class SweeperSettings:
    """Of the sweeper."""

    core_table: str


@dataclass(frozen=True, slots=True)
class KeyJobsSettings:
    """Of the key jobs."""

    stage: str
    core_table: str
    rotation_function: str


@dataclass(frozen=True, slots=True)
class LockdownSettings:
    """Of the work of a lockdown."""

    core_table: str


@dataclass(frozen=True, slots=True)
class KeyCensusSettings:
    """Of the census of keys."""

    stage: str
    core_table: str
    rotation: Rotation


@dataclass(frozen=True, slots=True)
class AnomalySettings:
    """Of the anomaly function; ``alarm_budget`` in thousandths of a false alarm per agent and 1,000 requests."""

    core_table: str
    profiles_table: str
    alarm_budget: int


@dataclass(frozen=True, slots=True)
class ReconcilerSettings:
    """Of the reconciler."""

    core_table: str
    claims_table: str
    bus: str


@dataclass(frozen=True, slots=True)
class AuditWriterSettings:
    """Of the audit writer."""

    bucket: str
    claims_table: str
    key_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class SourcesSettings:
    """Of what blocks source addresses; ``block_lists`` are the ARNs of the firewall's sets, IPv4 first."""

    profiles_table: str
    bus: str
    block_lists: tuple[str, str]
    never_block: tuple[Network, ...]
