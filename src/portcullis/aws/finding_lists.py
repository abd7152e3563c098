"""Lists of findings, newest first: of one state or of all, of one agent or of all."""

from portcullis.aws import findings, listings
from portcullis.aws.dynamo import Table
from portcullis.domain.detection.findings import STATES, Finding


def page(
    table: Table, state: str | None, agent: str | None, limit: int, cursor: str | None
) -> tuple[list[Finding], str | None]:
    """One page of the findings in ``state``, or in any where it is None; of ``agent`` alone where one is given."""
    if agent is None:
        partitions = [findings.listing_key(each) for each in ([state] if state else STATES)]
        items, following = listings.page(table, partitions, limit, cursor)
    else:
        only = {"state": state} if state else None
        partition = findings.partition(agent)
        items, following = listings.backwards(table, partition, "FINDING#", limit, cursor, only)
    found = [findings.from_item(item) for item in items]
    # The index tells a moment late which state a finding is in.
    return [finding for finding in found if state in (None, finding.state)], following
