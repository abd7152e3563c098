"""Which bucket a command reads the audit log from: as given, or of the local run."""

from portcullis.aws.log_reader import LogBucket
from portcullis.cli import target
from portcullis.cli.context import Session
from portcullis.cli.failure import USAGE, Failure

BUCKET_VARIABLE = "PORTCULLIS_AUDIT_BUCKET"


def bucket(session: Session, given: str | None) -> LogBucket:
    """The bucket to read; Failure when nobody said which."""
    if target.is_local(session.url, session.local):
        found = session.target
        if name := given or found.audit_bucket:
            return LogBucket(name, found.credentials, found.region, found.endpoint_url)
    if not given:
        raise Failure(f"no bucket: give --bucket or {BUCKET_VARIABLE} (output AuditBucket)", USAGE)
    return LogBucket(given, *target.caller(session.region))
