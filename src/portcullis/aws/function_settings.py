"""What each function is told by its deployment."""

from collections.abc import Mapping
from dataclasses import dataclass

from portcullis.domain.detection.networks import Network
from portcullis.domain.key_classes import Rotation
from portcullis.domain.responses import Setting


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
class EvidenceSettings:
    """Of what exports the audit log of an agent that was cut off: into ``bucket``, the last ``hours``."""

    bucket: str
    hours: int


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
class ContainSourcesSettings:
    """Of the step that blocks source addresses."""

    core_table: str
    profiles_table: str
    never_block: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class ContainSecretsSettings:
    """Of the step that rotates what an agent could reach."""

    stage: str


@dataclass(frozen=True, slots=True)
class ContainNoticeSettings:
    """Of the step that tells people; ``topic`` is the ARN."""

    stage: str
    core_table: str
    topic: str


@dataclass(frozen=True, slots=True)
class NotifierSettings:
    """Of what tells people; ``topic`` is the ARN, ``responses`` are by the agents' trust level."""

    stage: str
    core_table: str
    topic: str
    responses: Mapping[str, Setting]


@dataclass(frozen=True, slots=True)
class WebhooksSettings:
    """Of what posts events to ``url``; ``secret`` is the ARN of the secret that signs, ``queue`` a URL."""

    url: str
    secret: str
    queue: str


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


@dataclass(frozen=True, slots=True)
class StepSettings:
    """Of the steps of containment that need the core table alone, and of what records the outcome of all."""

    core_table: str


@dataclass(frozen=True, slots=True)
class IncidentsSettings:
    """Of what contains agents; ``responses`` by trust level, ``state_machine`` the ARN of what follows."""

    core_table: str
    state_machine: str
    responses: Mapping[str, Setting]
