"""What differs between the stages. Everything that is not here is the same everywhere, the local run included."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import ip_network
from urllib.parse import urlsplit

from infra.bundling.target import LAMBDA_ARM64, THIS_MACHINE, Target

MANAGED_RULE_GROUPS = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesAnonymousIpList",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
)
RESPONSES = {"low": "contain:8", "medium": "contain:8", "high": "contain:8"}
ADDRESS = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", re.ASCII)
RESPONSE = re.compile(r"off|notify|contain(:([1-9]|10))?", re.ASCII)
ROTATION_DAYS = {"development": 30, "staging": 7, "production": 30, "high_value": 7}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One deployment of the gateway. Its name is part of every path and of every key id."""

    name: str
    target: Target
    """What the functions' wheels and bytecode are made for."""
    retain: bool
    """Keep and protect data against deletion, also when the stack is deleted."""
    log_days: int
    audit_days: int
    """How long nobody, the account's root included, can delete anything of the audit log or of evidence."""
    requests_per_second: int
    """Throttle of each API, over all callers; twice that as a burst."""
    requests_per_address: int
    """WAF limit per source address in 5 minutes."""
    requests_per_address_and_key: int
    """WAF limit per source address and key id in 5 minutes."""
    waf_logs: bool
    key_class: str
    """Of the keys for which none is asked."""
    rotation_days: Mapping[str, int] = field(default_factory=lambda: ROTATION_DAYS)
    """How old a key of each class gets before it is rotated."""
    overlap_hours: int = 24
    """How long an old key stays valid beside its successor when the rotation was a scheduled one."""
    generations: tuple[str, ...] = ("0",)
    """The roots of the agents' secrets, one base62 digit each. Add one, deploy, re-key; then remove the old one."""
    country_header: str | None = None
    """The header that tells from which country a request comes, such as ``CloudFront-Viewer-Country``. Name one only
    where a proxy of yours overwrites it in every request and the API cannot be reached past that proxy: otherwise
    whoever holds a stolen key chooses the country."""
    managed_rule_groups: tuple[str, ...] = MANAGED_RULE_GROUPS
    alarm_budget: Decimal = Decimal("1.0")
    """False alarms of the joint detector that are accepted per agent and 1,000 requests; thousandths at the finest."""
    evidence_hours: int = 24
    """How much of an agent's audit log is exported when it is cut off; a week at most."""
    never_block: tuple[str, ...] = ()
    """Networks whose addresses are never blocked by themselves, such as ``192.0.2.0/24``: your own, a partner's NAT."""
    responses: Mapping[str, str] = field(default_factory=lambda: RESPONSES)
    """What a finding does to an agent of each trust level: ``off`` (it is only recorded), ``notify`` (people are told),
    or ``contain:N`` (the agent is stopped from severity N on, and people are told of less)."""

    responders: tuple[str, ...] = ()
    """E-mail addresses that are told of findings, incidents and lockdowns."""
    webhook_url: str | None = None
    """Where such events are posted to, over HTTPS; plain HTTP is for the local stage and its own machine alone."""

    def __post_init__(self) -> None:
        for network in self.never_block:
            ip_network(network)  # raises ValueError: a typing error would protect nothing
        if not 1 <= self.evidence_hours <= 168:
            raise ValueError(f"evidence_hours of {self.name}: expected 1 to 168")
        wrong = {level: text for level, text in self.responses.items() if not RESPONSE.fullmatch(text)}
        if wrong or self.responses.keys() != RESPONSES.keys():
            raise ValueError(f"responses: {', '.join(RESPONSES)}, each off, notify or contain:1 to 10; not {wrong}")

        for address in self.responders:
            if not ADDRESS.fullmatch(address):
                raise ValueError(f"responders: not an e-mail address: {address!r}")
        if self.webhook_url is not None and not self._may_be_posted_to(self.webhook_url):
            raise ValueError(
                f"webhook_url: https://HOST/PATH, without user, password or fragment: {self.webhook_url!r}"
            )

    def _may_be_posted_to(self, url: str) -> bool:
        parts = urlsplit(url)
        here = self.name == "local" and (parts.scheme, parts.hostname) == ("http", "127.0.0.1")
        plain = not (parts.username or parts.password or parts.fragment) and url.isascii() and url.isprintable()
        return bool(plain and " " not in url and parts.hostname and (parts.scheme == "https" or here))

    @property
    def prefix(self) -> str:
        return f"portcullis-{self.name}"


STAGES = (
    # Generous limits and no WAF log: a test sends from one address, and there is no CloudWatch to read it in.
    # Two roots, so that moving from one to the next can be tried out. A test names its country, as it does its address.
    Stage(
        name="local",
        target=THIS_MACHINE,
        retain=False,
        log_days=1,
        audit_days=1,
        requests_per_second=5_000,
        requests_per_address=100_000,
        requests_per_address_and_key=100_000,
        waf_logs=False,
        key_class="development",
        generations=("0", "1"),
        # Where the tests and the demo come from, who are refused a lot.
        never_block=("127.0.0.0/8", "::1/128", "192.0.2.0/24", "203.0.112.0/20"),
        country_header="CloudFront-Viewer-Country",
    ),
    Stage(
        name="test",
        target=LAMBDA_ARM64,
        retain=True,
        log_days=30,
        audit_days=30,
        requests_per_second=200,
        requests_per_address=3_000,
        requests_per_address_and_key=2_000,
        waf_logs=True,
        key_class="staging",
    ),
    Stage(
        name="live",
        target=LAMBDA_ARM64,
        retain=True,
        log_days=365,
        audit_days=2_557,
        requests_per_second=2_000,
        requests_per_address=6_000,
        requests_per_address_and_key=4_000,
        waf_logs=True,
        key_class="production",
    ),
)


class UnknownStage(ValueError):
    """The stage asked for is none of ``STAGES``."""


def stage_named(name: str | None) -> Stage:
    """The stage called ``name``. There is no default: guessing one could deploy to the wrong place."""
    for stage in STAGES:
        if stage.name == name:
            return stage
    known = ", ".join(stage.name for stage in STAGES)
    given = "no stage was given" if name is None else f"there is no stage {name!r}"
    raise UnknownStage(f"{given}; choose one with `-c stage=NAME`, NAME being one of: {known}")
