"""A role bound to the events of one source."""

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import Deployed


def test_events_of_its_own_source_only(deployed: Deployed) -> None:
    role = deployed.outputs["TellerRole"]
    session = deployed.client("sts").assume_role(RoleArn=role, RoleSessionName="bound")["Credentials"]
    keys = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    events = deployed.client("events", keys)
    own, foreign = (
        {"EventBusName": "portcullis-try", "Source": source, "DetailType": "t", "Detail": "{}"}
        for source in ("own", "foreign")
    )
    assert events.put_events(Entries=[own, own])["FailedEntryCount"] == 0
    for entries in ([foreign], [own, foreign]):
        with pytest.raises(ClientError, match="AccessDenied"):
            events.put_events(Entries=entries)
