"""Which of a team's secrets an agent could reach, and how far their rotation for an incident has come."""

from hashlib import sha256

from portcullis.domain.secret_rotation import CURRENT, PENDING, Secret

TAG = "portcullis:reachable-by"
EVERYBODY = "all-agents"


def is_reachable(secret: Secret, agent: str) -> bool:
    """Whether its tag names the agent, among others, or everybody."""
    return bool({agent, EVERYBODY}.intersection(secret.tags.get(TAG, "").split()))


def token_of(incident: str) -> str:
    """The id of the version that an incident makes, so that one incident makes one, however often it is asked to."""
    return sha256(f"incident {incident}".encode()).hexdigest()


def is_rotated(secret: Secret, token: str) -> bool:
    """Whether the version was handed out. Others may have followed."""
    stages = secret.stages.get(token, frozenset())
    return bool(stages) and (CURRENT in stages or PENDING not in stages)
