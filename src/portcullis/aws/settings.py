"""The function's settings, read once at cold start. What is missing stops the function, by name."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from portcullis.aws.function_settings import (
    AgentApiSettings,
    AgentKeysSettings,
    AnomalySettings,
    AuditReaderSettings,
    AuditWriterSettings,
    AuthorizerSettings,
    ContainNoticeSettings,
    ContainSecretsSettings,
    ContainSourcesSettings,
    IncidentsSettings,
    KeyCensusSettings,
    KeyJobsSettings,
    KeyRotationSettings,
    LockdownSettings,
    NotifierSettings,
    OperatorApiSettings,
    PriceFeedSettings,
    ProposalsSettings,
    ReconcilerSettings,
    SourcesSettings,
    StepSettings,
    SweeperSettings,
    WebhooksSettings,
)
from portcullis.domain.detection.calibration import parse_budget
from portcullis.domain.detection.networks import parse_networks
from portcullis.domain.key_classes import Rotation, parse_rotation
from portcullis.domain.responses import parse_settings


class MissingSetting(RuntimeError):
    """An environment variable that the deployment must set is missing or empty."""


@dataclass(frozen=True, slots=True)
class AwsEnvironment:
    """Region, the role's credentials as Lambda provides them, and the endpoint of an emulator (None on AWS)."""

    region: str
    access_key_id: str
    secret_access_key: str
    session_token: str | None
    endpoint_url: str | None

    def __repr__(self) -> str:
        return f"AwsEnvironment(region={self.region!r})"


def audit_writer(environ: Mapping[str, str] = os.environ) -> AuditWriterSettings:
    """The audit writer's settings, or MissingSetting."""
    read = _reader(environ)
    return AuditWriterSettings(read("AUDIT_BUCKET"), read("CLAIMS_TABLE"), read("AUDIT_KEY_ID"), read("AUDIT_ORIGIN"))


def audit_reader(environ: Mapping[str, str] = os.environ) -> AuditReaderSettings:
    """The settings of what reads the audit log, or MissingSetting."""
    read = _reader(environ)
    return AuditReaderSettings(read("AUDIT_BUCKET"), read("AUDIT_KEY_ID"), read("AUDIT_ORIGIN"))


def price_feed(environ: Mapping[str, str] = os.environ) -> PriceFeedSettings:
    """The price feed's settings, or MissingSetting."""
    return PriceFeedSettings(_reader(environ)("CORE_TABLE"))


def authorizer(environ: Mapping[str, str] = os.environ) -> AuthorizerSettings:
    """The authorizer's settings, or MissingSetting."""
    read = _reader(environ)
    return AuthorizerSettings(
        read("PORTCULLIS_STAGE"), read("CORE_TABLE"), read("NONCES_TABLE"), read("BUS_NAME"), _mac_keys(read)
    )


def agent_api(environ: Mapping[str, str] = os.environ) -> AgentApiSettings:
    """The agent API's settings, or MissingSetting."""
    read = _reader(environ)
    return AgentApiSettings(
        read("PORTCULLIS_STAGE"),
        read("CORE_TABLE"),
        read("POLICY_BUCKET"),
        read("BUS_NAME"),
        _optional(environ, "COUNTRY_HEADER"),
    )


def agent_keys(environ: Mapping[str, str] = os.environ) -> AgentKeysSettings:
    """The settings of the agents' own management of their keys, or MissingSetting."""
    read = _reader(environ)
    return AgentKeysSettings(
        read("PORTCULLIS_STAGE"),
        read("CORE_TABLE"),
        read("POLICY_BUCKET"),
        read("BUS_NAME"),
        _mac_keys(read),
        _rotation(read),
        _optional(environ, "COUNTRY_HEADER"),
    )


def operator_api(environ: Mapping[str, str] = os.environ) -> OperatorApiSettings:
    """The operator API's settings, or MissingSetting."""
    read = _reader(environ)
    return OperatorApiSettings(
        read("PORTCULLIS_STAGE"),
        read("CORE_TABLE"),
        read("NONCES_TABLE"),
        read("PROFILES_TABLE"),
        read("POLICY_BUCKET"),
        read("BUS_NAME"),
        _mac_keys(read),
        _rotation(read),
        read("ROTATION_FUNCTION"),
    )


def key_rotation(environ: Mapping[str, str] = os.environ) -> KeyRotationSettings:
    """The settings of the rotation of delivered keys, or MissingSetting."""
    read = _reader(environ)
    return KeyRotationSettings(
        read("PORTCULLIS_STAGE"), read("CORE_TABLE"), read("API_URL"), _mac_keys(read), _rotation(read)
    )


def proposals(environ: Mapping[str, str] = os.environ) -> ProposalsSettings:
    """The settings of the trust upgrade proposals, or MissingSetting."""
    return ProposalsSettings(_reader(environ)("CORE_TABLE"))


def sweeper(environ: Mapping[str, str] = os.environ) -> SweeperSettings:
    """The sweeper's settings, or MissingSetting."""
    return SweeperSettings(_reader(environ)("CORE_TABLE"))


def key_jobs(environ: Mapping[str, str] = os.environ) -> KeyJobsSettings:
    """The key jobs' settings, or MissingSetting."""
    read = _reader(environ)
    return KeyJobsSettings(read("PORTCULLIS_STAGE"), read("CORE_TABLE"), read("ROTATION_FUNCTION"))


def lockdown(environ: Mapping[str, str] = os.environ) -> LockdownSettings:
    """The settings of the work of a lockdown, or MissingSetting."""
    return LockdownSettings(_reader(environ)("CORE_TABLE"))


def key_census(environ: Mapping[str, str] = os.environ) -> KeyCensusSettings:
    """The settings of the census of keys, or MissingSetting."""
    read = _reader(environ)
    return KeyCensusSettings(read("PORTCULLIS_STAGE"), read("CORE_TABLE"), _rotation(read))


def anomaly(environ: Mapping[str, str] = os.environ) -> AnomalySettings:
    """The anomaly function's settings, or MissingSetting."""
    read = _reader(environ)
    return AnomalySettings(read("CORE_TABLE"), read("PROFILES_TABLE"), parse_budget(read("ALARM_BUDGET")))


def sources(environ: Mapping[str, str] = os.environ) -> SourcesSettings:
    """The settings of what blocks source addresses, or MissingSetting. No network need be never blocked."""
    read = _reader(environ)
    return SourcesSettings(
        read("PROFILES_TABLE"),
        read("BUS_NAME"),
        (read("BLOCK_LIST_ARN"), read("BLOCK_LIST_V6_ARN")),
        parse_networks(environ.get("NEVER_BLOCK", "").split()),
    )


def contain_sources(environ: Mapping[str, str] = os.environ) -> ContainSourcesSettings:
    """The settings of the step that blocks source addresses, or MissingSetting. No network need be never blocked."""
    read = _reader(environ)
    never = parse_networks(environ.get("NEVER_BLOCK", "").split())
    return ContainSourcesSettings(read("CORE_TABLE"), read("PROFILES_TABLE"), never)


def contain_secrets(environ: Mapping[str, str] = os.environ) -> ContainSecretsSettings:
    """The settings of the step that rotates what an agent could reach, or MissingSetting."""
    return ContainSecretsSettings(_reader(environ)("PORTCULLIS_STAGE"))


def incidents(environ: Mapping[str, str] = os.environ) -> IncidentsSettings:
    """The settings of what contains agents, or MissingSetting."""
    read = _reader(environ)
    return IncidentsSettings(read("CORE_TABLE"), read("STATE_MACHINE_ARN"), parse_settings(read("RESPONSES")))


def containment_step(environ: Mapping[str, str] = os.environ) -> StepSettings:
    """The settings of a step of containment, or MissingSetting."""
    return StepSettings(_reader(environ)("CORE_TABLE"))


def contain_notice(environ: Mapping[str, str] = os.environ) -> ContainNoticeSettings:
    """The settings of the step that tells people, or MissingSetting."""
    read = _reader(environ)
    return ContainNoticeSettings(read("PORTCULLIS_STAGE"), read("CORE_TABLE"), read("TOPIC_ARN"))


def notifier(environ: Mapping[str, str] = os.environ) -> NotifierSettings:
    """The settings of what tells people, or MissingSetting."""
    read = _reader(environ)
    responses = parse_settings(read("RESPONSES"))
    return NotifierSettings(read("PORTCULLIS_STAGE"), read("CORE_TABLE"), read("TOPIC_ARN"), responses)


def webhooks(environ: Mapping[str, str] = os.environ) -> WebhooksSettings:
    """The settings of what posts events, or MissingSetting."""
    read = _reader(environ)
    return WebhooksSettings(read("WEBHOOK_URL"), read("WEBHOOK_SECRET"), read("QUEUE_URL"))


def reconciler(environ: Mapping[str, str] = os.environ) -> ReconcilerSettings:
    """The reconciler's settings, or MissingSetting."""
    read = _reader(environ)
    return ReconcilerSettings(read("CORE_TABLE"), read("CLAIMS_TABLE"), read("BUS_NAME"))


def aws(environ: Mapping[str, str] = os.environ) -> AwsEnvironment:
    """What Lambda itself sets, or MissingSetting."""
    read = _reader(environ)
    return AwsEnvironment(
        read("AWS_REGION"),
        read("AWS_ACCESS_KEY_ID"),
        read("AWS_SECRET_ACCESS_KEY"),
        _optional(environ, "AWS_SESSION_TOKEN"),
        _optional(environ, "AWS_ENDPOINT_URL"),
    )


def _rotation(read: Callable[[str], str]) -> Rotation:
    return parse_rotation(read("ROTATION_DAYS"), read("OVERLAP_HOURS"), read("KEY_CLASS"))


def _mac_keys(read: Callable[[str], str]) -> Mapping[str, str]:
    """The KMS key of each generation of the root: ``0=<key id> 1=<key id>``."""
    return dict(pair.split("=", 1) for pair in read("MAC_KEYS").split())


def _optional(environ: Mapping[str, str], name: str) -> str | None:
    """The one kind of setting that may be missing or empty: without it there is less, and nothing is less strict."""
    return environ.get(name) or None


def _reader(environ: Mapping[str, str]) -> Callable[[str], str]:
    def read(name: str) -> str:
        value = environ.get(name)
        if not value:
            raise MissingSetting(f"environment variable {name} is not set")
        return value

    return read
