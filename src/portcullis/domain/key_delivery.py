"""How an agent's key lies in Secrets Manager: the secret's name, its text, and the ids of its rotations' keys."""

import hashlib
import json
from dataclasses import dataclass, field

from portcullis.domain.identifiers import AGENT_ID
from portcullis.protocol import keys


class UnreadableSecret(ValueError):
    """The secret's text or name is none of ours. The message never repeats it."""


@dataclass(frozen=True, slots=True)
class DeliveredKey:
    """What the secret of an agent holds."""

    key_id: str
    agent: str
    secret: str = field(repr=False)

    def text(self) -> str:
        """As it is stored: the SDK reads ``key_id`` and ``secret``."""
        return json.dumps({"key_id": self.key_id, "secret": self.secret, "agent_id": self.agent})


def secret_prefix(stage: str) -> str:
    """How the names of a stage's secrets begin."""
    return f"portcullis/{stage}/agents/"


def secret_name(stage: str, agent: str) -> str:
    """The one secret of an agent."""
    return secret_prefix(stage) + agent


def agent_named(stage: str, name: str) -> str:
    """The agent to whom the secret of this name belongs; the inverse of secret_name."""
    agent = name.removeprefix(secret_prefix(stage))
    if agent == name or not AGENT_ID.fullmatch(agent):
        raise UnreadableSecret("the secret's name is not that of an agent of this stage")
    return agent


def parse_secret(text: str, stage: str, agent: str) -> DeliveredKey:
    """The key that a secret of this agent holds."""
    try:
        value = json.loads(text)
        found = DeliveredKey(value["key_id"], value["agent_id"], value["secret"])
        stages = {keys.parse_key_id(found.key_id).stage, keys.parse_secret(found.secret)}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UnreadableSecret("the secret's text is not a key") from None
    if stages != {stage} or found.agent != agent:
        raise UnreadableSecret("the secret's text is a key of another stage or agent")
    return found


def pending_key_id(stage: str, generation: str, arn: str, token: str) -> str:
    """The id of the key that the version ``token`` gets: the same however often it is asked for."""
    return keys.new_key_id(stage, generation, hashlib.sha256(f"rotation\n{arn}\n{token}".encode()).digest())
