"""The bodies of the agent API after a decision, and who is a party to an escrow."""

import hashlib
import json
from typing import Annotated

from pydantic import AfterValidator, Field

from portcullis.domain.models import StrictModel, printable
from portcullis.domain.record import Record
from portcullis.domain.transaction import AgentId

TOKEN_SHA256_BYTES = 16


ClaimToken = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,128}$")]
Text = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(printable)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Claim(StrictModel):
    """``POST /v1/transactions/{id}/claim``. The token is the executor's secret for this one transaction."""

    agent_id: AgentId
    claim_token: ClaimToken

    @property
    def token_sha256(self) -> bytes:
        """What is stored of the token: enough to know it again, too little to use."""
        return hashlib.sha256(self.claim_token.encode()).digest()[:TOKEN_SHA256_BYTES]


class Settlement(Claim):
    """``POST /v1/transactions/{id}/settle``; ``reference`` names the payment, such as a transaction hash."""

    reference: Text


class Failure(Claim):
    """``POST /v1/transactions/{id}/fail``."""

    reason: Text


class Cancellation(StrictModel):
    """``POST /v1/transactions/{id}/cancel``."""


class Confirmation(StrictModel):
    """``POST /v1/transactions/{id}/confirm``: the release of an escrow, with exactly this content."""

    agent_id: AgentId
    content_sha256: Sha256


def parties(record: Record) -> frozenset[str]:
    """Who has to confirm the release of an escrow: whoever asked for it and the agent it goes to; nobody otherwise."""
    content = json.loads(record.content)
    if content["kind"] != "escrow_release" or "agent" not in content["destination"]:
        return frozenset()
    return frozenset({record.agent, content["destination"]["agent"]})
