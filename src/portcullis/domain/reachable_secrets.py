"""Which of a team's secrets an agent could reach, and how far their rotation for an incident has come."""

from hashlib import sha256
from uuid import UUID

from portcullis.domain.secret_rotation import CURRENT, PENDING, Secret

TAG = "portcullis:reachable-by"
EVERYBODY = "all-agents"


def is_reachable(secret: Secret, agent: str) -> bool:
    """Whether its tag names the agent, among others, or everybody."""
    return bool({agent, EVERYBODY}.intersection(secret.tags.get(TAG, "").split()))


def token_of(incident: str) -> str:
    """The id of the version that an incident makes, so that one incident makes one, however often it is asked to."""
    return str(UUID(bytes=sha256(f"incident {incident}".encode()).digest()[:16]))


def is_rotated(secret: Secret, token: str) -> bool:
    """Whether the version was handed out. Others may have followed."""
    stages = secret.stages.get(token, frozenset())
    return bool(stages) and (CURRENT in stages or PENDING not in stages)


def unstaging(secret: Secret) -> str | None:
    """The command that takes away what stands in the way of a rotation, where one was given up; None without it."""
    token = secret.staged(PENDING)
    if token is None or CURRENT in secret.stages[token]:
        return None
    command = f"aws secretsmanager update-secret-version-stage --secret-id {secret.name}"
    return f"{command} --version-stage {PENDING} --remove-from-version-id {token}"
