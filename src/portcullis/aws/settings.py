"""The function's settings, read once at cold start. What is missing stops the function, by name."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from portcullis.aws import function_settings as of
from portcullis.domain import times
from portcullis.domain.detection.calibration import parse_budget
from portcullis.domain.detection.networks import parse_networks
from portcullis.domain.key_classes import Rotation, parse_rotation
from portcullis.domain.responses import parse_settings

MOST_EVIDENCE_HOURS = 168


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


def audit_writer(environ: Mapping[str, str] = os.environ) -> of.AuditWriterSettings:
    """The audit writer's settings, or MissingSetting."""
    read = _reader(environ)
    return of.AuditWriterSettings(
        read("AUDIT_BUCKET"), read("CLAIMS_TABLE"), read("AUDIT_KEY_ID"), read("AUDIT_ORIGIN")
    )


def audit_reader(environ: Mapping[str, str] = os.environ) -> of.AuditReaderSettings:
    """The settings of what reads the audit log, or MissingSetting."""
    read = _reader(environ)
    return of.AuditReaderSettings(read("AUDIT_BUCKET"), read("AUDIT_KEY_ID"), read("AUDIT_ORIGIN"))


def contain_evidence(environ: Mapping[str, str] = os.environ) -> of.EvidenceSettings:
    """The settings of what exports evidence, or MissingSetting."""
    read = _reader(environ)
    hours = times.parse_hours(read("EVIDENCE_HOURS"), MOST_EVIDENCE_HOURS)
    return of.EvidenceSettings(read("EVIDENCE_BUCKET"), hours)


def price_feed(environ: Mapping[str, str] = os.environ) -> of.PriceFeedSettings:
    """The price feed's settings, or MissingSetting."""
    return of.PriceFeedSettings(_reader(environ)("CORE_TABLE"))


def authorizer(environ: Mapping[str, str] = os.environ) -> of.AuthorizerSettings:
    """The authorizer's settings, or MissingSetting."""
    read = _reader(environ)
    return of.AuthorizerSettings(
        read("PORTCULLIS_STAGE"), read("CORE_TABLE"), read("NONCES_TABLE"), read("BUS_NAME"), _mac_keys(read)
    )


def agent_api(environ: Mapping[str, str] = os.environ) -> of.AgentApiSettings:
    """The agent API's settings, or MissingSetting."""
    read = _reader(environ)
    return of.AgentApiSettings(
        read("PORTCULLIS_STAGE"),
        read("CORE_TABLE"),
        read("POLICY_BUCKET"),
        read("BUS_NAME"),
        _optional(environ, "COUNTRY_HEADER"),
    )


def agent_keys(environ: Mapping[str, str] = os.environ) -> of.AgentKeysSettings:
    """The settings of the agents' own management of their keys, or MissingSetting."""
    read = _reader(environ)
    return of.AgentKeysSettings(
        read("PORTCULLIS_STAGE"),
        read("CORE_TABLE"),
        read("POLICY_BUCKET"),
        read("BUS_NAME"),
        _mac_keys(read),
        _rotation(read),
        _optional(environ, "COUNTRY_HEADER"),
    )


def operator_api(environ: Mapping[str, str] = os.environ) -> of.OperatorApiSettings:
    """The operator API's settings, or MissingSetting."""
    read = _reader(environ)
    return of.OperatorApiSettings(
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


def key_rotation(environ: Mapping[str, str] = os.environ) -> of.KeyRotationSettings:
    """The settings of the rotation of delivered keys, or MissingSetting."""
    read = _reader(environ)
    return of.KeyRotationSettings(
        read("PORTCULLIS_STAGE"), read("CORE_TABLE"), read("API_URL"), _mac_keys(read), _rotation(read)
    )


def proposals(environ: Mapping[str, str] = os.environ) -> of.ProposalsSettings:
    """The settings of the trust upgrade proposals, or MissingSetting."""
    return of.ProposalsSettings(_reader(environ)("CORE_TABLE"))


def sweeper(environ: Mapping[str, str] = os.environ) -> of.SweeperSettings:
    """The sweeper's settings, or MissingSetting."""
    return of.SweeperSettings(_reader(environ)("CORE_TABLE"))


def key_jobs(environ: Mapping[str, str] = os.environ) -> of.KeyJobsSettings:
    """The key jobs' settings, or MissingSetting."""
    read = _reader(environ)
    return of.KeyJobsSettings(read("PORTCULLIS_STAGE"), read("CORE_TABLE"), read("ROTATION_FUNCTION"))


def key_census(environ: Mapping[str, str] = os.environ) -> of.KeyCensusSettings:
    """The settings of the census of keys, or MissingSetting."""
    read = _reader(environ)
    return of.KeyCensusSettings(read("PORTCULLIS_STAGE"), read("CORE_TABLE"), _rotation(read))


def anomaly(environ: Mapping[str, str] = os.environ) -> of.AnomalySettings:
    """The anomaly function's settings, or MissingSetting."""
    read = _reader(environ)
    return of.AnomalySettings(read("CORE_TABLE"), read("PROFILES_TABLE"), parse_budget(read("ALARM_BUDGET")))


def lockdown(environ: Mapping[str, str] = os.environ) -> of.LockdownSettings:
    """The settings of the work of a lockdown, or MissingSetting."""
    return of.LockdownSettings(_reader(environ)("CORE_TABLE"))


def sources(environ: Mapping[str, str] = os.environ) -> of.SourcesSettings:
    """The settings of what blocks source addresses, or MissingSetting. No network need be never blocked."""
    read = _reader(environ)
    return of.SourcesSettings(
        read("PROFILES_TABLE"),
        read("BUS_NAME"),
        (read("BLOCK_LIST_ARN"), read("BLOCK_LIST_V6_ARN")),
        parse_networks(environ.get("NEVER_BLOCK", "").split()),
    )


def contain_sources(environ: Mapping[str, str] = os.environ) -> of.ContainSourcesSettings:
    """The settings of the step that blocks source addresses, or MissingSetting. No network need be never blocked."""
    read = _reader(environ)
    never = parse_networks(environ.get("NEVER_BLOCK", "").split())
    return of.ContainSourcesSettings(read("CORE_TABLE"), read("PROFILES_TABLE"), never)


def contain_secrets(environ: Mapping[str, str] = os.environ) -> of.ContainSecretsSettings:
    """The settings of the step that rotates what an agent could reach, or MissingSetting."""
    return of.ContainSecretsSettings(_reader(environ)("PORTCULLIS_STAGE"))


def incidents(environ: Mapping[str, str] = os.environ) -> of.IncidentsSettings:
    """The settings of what contains agents, or MissingSetting."""
    read = _reader(environ)
    return of.IncidentsSettings(read("CORE_TABLE"), read("STATE_MACHINE_ARN"), parse_settings(read("RESPONSES")))


def containment_step(environ: Mapping[str, str] = os.environ) -> of.StepSettings:
    """The settings of a step of containment, or MissingSetting."""
    return of.StepSettings(_reader(environ)("CORE_TABLE"))


def contain_notice(environ: Mapping[str, str] = os.environ) -> of.ContainNoticeSettings:
    """The settings of the step that tells people, or MissingSetting."""
    read = _reader(environ)
    return of.ContainNoticeSettings(read("PORTCULLIS_STAGE"), read("CORE_TABLE"), read("TOPIC_ARN"))


def notifier(environ: Mapping[str, str] = os.environ) -> of.NotifierSettings:
    """The settings of what tells people, or MissingSetting."""
    read = _reader(environ)
    responses = parse_settings(read("RESPONSES"))
    return of.NotifierSettings(read("PORTCULLIS_STAGE"), read("CORE_TABLE"), read("TOPIC_ARN"), responses)


def webhooks(environ: Mapping[str, str] = os.environ) -> of.WebhooksSettings:
    """The settings of what posts events, or MissingSetting."""
    read = _reader(environ)
    return of.WebhooksSettings(read("WEBHOOK_URL"), read("WEBHOOK_SECRET"), read("QUEUE_URL"))


def reconciler(environ: Mapping[str, str] = os.environ) -> of.ReconcilerSettings:
    """The reconciler's settings, or MissingSetting."""
    read = _reader(environ)
    return of.ReconcilerSettings(read("CORE_TABLE"), read("CLAIMS_TABLE"), read("BUS_NAME"))


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
