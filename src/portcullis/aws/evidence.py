"""Evidence in S3: the export of an agent's audit log, created once, locked there by the bucket, and verified.

The log may be some seconds behind what happened, and in another order: it is waited for until its checkpoint covers the
suspension, and then for what happened just before and is recorded just after.
"""

import hashlib
import threading
from collections.abc import Callable
from io import BytesIO
from typing import Any

from portcullis.aws import audit_objects, telemetry
from portcullis.aws.audit_reader import AuditReader
from portcullis.aws.ed25519 import verifies_bytes
from portcullis.aws.function_settings import AuditReaderSettings, EvidenceSettings
from portcullis.aws.read_ahead import AHEAD, ReadAhead
from portcullis.aws.settings import AwsEnvironment
from portcullis.aws.wire import Service, Unavailable
from portcullis.domain import evidence
from portcullis.domain.incidents import Incident
from portcullis.protocol import checkpoints, export_verification, export_writing, tiles
from portcullis.protocol.audit_entries import Entry
from portcullis.protocol.authentic_log import AuthenticLog
from portcullis.protocol.log_export import ENTRIES, MalformedExport

MOST_BYTES = 512 * 1024 * 1024
"""Of one export, which is held in memory twice: some ten million entries, for of other agents' it has the hashes."""
WAIT_SECONDS, POLL_SECONDS = 60, 1
"""How long the log is waited for, and how often it is looked at; then the step fails, and is tried again as a whole."""
SETTLING_SECONDS = 8.0
"""Two windows of the audit writer and the time of a batch: by then it has what the bus got before the suspension."""
RESERVE_SECONDS = 90
"""What is left for putting and verifying. An export that is not written by then is given up."""
PUT_SECONDS = 60.0
REMEDY = "Run `portcullis audit export` on a machine"


class LogBehind(Exception):
    """The audit log does not tell of the suspension yet."""


class TooMuch(Exception):
    """There is more to export than this function can, however often it is tried."""


class Evidence:
    """The bucket of evidence, and the log that goes into it."""

    def __init__(
        self,
        settings: EvidenceSettings,
        log: AuditReaderSettings,
        environment: AwsEnvironment,
        sleep: Callable[[float], None],
    ) -> None:
        self._settings = settings
        self._audit = AuditReader(log, environment)
        self._threads = _PerThread(environment)
        self._s3 = Service("s3", environment, timeout_seconds=PUT_SECONDS)
        self._sleep = sleep

    def keep(self, incident: Incident, remaining: Callable[[], float]) -> dict[str, Any]:
        """What was exported and where it lies, by an earlier run or by this one, which has ``remaining`` seconds left.

        Raises LogBehind, TooMuch, MalformedLog, Unavailable or AwsError; then this can be asked for again.
        """
        for run in range(1, incident.run + 1):
            if (found := self._kept(incident, run)) is not None:
                return found
        data = self._export(incident, remaining)
        made = self._verified(incident, incident.run, data)
        audit_objects.put(self._s3, made["bucket"], made["key"], data, audit_objects.IF_NEW)
        if self._read(made["key"]) != data:
            raise Unavailable(f"{made['key']} holds something else: another run was first")
        return made

    def _kept(self, incident: Incident, run: int) -> dict[str, Any] | None:
        data = self._read(evidence.key(incident.id, run))
        try:
            return None if data is None else self._verified(incident, run, data)
        except MalformedExport as error:
            telemetry.count("EvidenceRefused", dimensions={"Function": "contain_evidence"}, run=run, cause=str(error))
            return None

    def _export(self, incident: Incident, remaining: Callable[[], float]) -> bytes:
        note, file = self._settled(incident, remaining), BytesIO()
        checkpoint = checkpoints.open_checkpoint(note, self._audit.key, verifies_bytes)

        def bound(_done: int, _total: int) -> None:
            if file.tell() > MOST_BYTES:
                raise TooMuch(f"it has more than {MOST_BYTES} bytes. {REMEDY}")

        def read_in_time(path: str) -> bytes | None:
            if remaining() < RESERVE_SECONDS:
                raise TooMuch(f"it takes too long. {REMEDY}")
            return self._log_file(path)

        read = ReadAhead(read_in_time, lambda path: tiles.next_bundles(path, checkpoint.size, AHEAD))
        try:
            log, asked = AuthenticLog(checkpoint, read), evidence.asked(incident, self._settings.hours)
            export_writing.write(file, log, note, self._audit.key, asked, bound)
        finally:
            read.close()
        return file.getvalue()

    def _settled(self, incident: Incident, remaining: Callable[[], float]) -> bytes:
        """The newest checkpoint, some time after there was one that tells of the suspension, if there is that time."""
        self._published(incident)
        self._sleep(max(0.0, min(SETTLING_SECONDS, remaining() - RESERVE_SECONDS)))
        return self._published(incident)

    def _published(self, incident: Incident) -> bytes:
        """The newest checkpoint, as soon as it tells of the suspension."""
        for _ in range(WAIT_SECONDS // POLL_SECONDS):
            if (note := self._audit.run(evidence.covering(incident))) is not None:
                return note
            self._sleep(POLL_SECONDS)
        raise LogBehind(f"the audit log does not tell of {evidence.opening(incident.id)} yet")

    def _verified(self, incident: Incident, run: int, data: bytes) -> dict[str, Any]:
        """What the step tells of an export, once it has proved itself and tells of the suspension."""
        opening, seen = evidence.opening(incident.id), set[str]()

        def show(entry: Entry) -> None:
            if entry.id == opening:
                seen.add(entry.id)

        export = export_verification.verify(
            BytesIO(data), self._audit.key, verifies_bytes, (), lambda _done, _total: None, show
        )
        if not seen:
            raise MalformedExport(ENTRIES, f"it does not tell of {opening}")
        proof = export.proof
        return {
            "bucket": self._settings.bucket,
            "key": evidence.key(incident.id, run),
            "sha256": hashlib.sha256(data).hexdigest(),
            "entries": export.tally.disclosed,
            "first": proof.first,
            "end": proof.end,
            "size": proof.size,
            "since": proof.asked.since,
            "until": proof.asked.until,
            "verified": True,
        }

    def _read(self, key: str) -> bytes | None:
        found = audit_objects.read(self._s3, self._settings.bucket, key)
        return found.body if found else None

    def _log_file(self, path: str) -> bytes | None:
        found = audit_objects.read(self._threads.s3, self._audit.bucket, path)
        return found.body if found else None


class _PerThread(threading.local):
    """A connection for each of the threads that read ahead."""

    def __init__(self, environment: AwsEnvironment) -> None:
        self.s3 = Service("s3", environment)
