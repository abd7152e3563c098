"""The way back of an agent that was cut off, as it stands in the stores."""

from portcullis.aws import accounts, key_revoking
from portcullis.aws.dynamo import Table
from portcullis.aws.wire import Unavailable
from portcullis.domain.incident_recovery import Standing
from portcullis.domain.incidents import Incident


def standing(table: Table, incident: Incident, stage: str) -> Standing:
    """The incident with its agent's account as it is now, and how many of its keys are not revoked."""
    account = accounts.read(table, incident.agent)
    if account is None:
        raise Unavailable("the account of the incident is not stored")
    return Standing(incident, account, len(key_revoking.usable(table, account, stage)))
