"""The audit writer of one process: what it knows of the log, kept from one batch to the next."""

import secrets
from collections.abc import Sequence

from portcullis.aws.audit_log import AuditLog
from portcullis.domain import audit_log, audit_tree
from portcullis.domain.audit_operations import Recordable
from portcullis.domain.audit_tree import Log
from portcullis.domain.times import DAY
from portcullis.protocol.notes import VerifierKey

NONCE_BYTES = 16


class AuditWriter:
    """Records batches and publishes. What fails leaves it knowing what it knew, and may be done again."""

    def __init__(self, store: AuditLog) -> None:
        self._store = store
        self._log: Log | None = None

    def record(self, batch: Sequence[Recordable]) -> None:
        """Each entry is recorded, once, when this returns."""
        steps = audit_log.record(self._log, batch, self._key, lambda: secrets.token_hex(NONCE_BYTES))
        self._log = self._store.run(steps)

    def publish(self) -> int:
        """Publish all that is committed, by whomever; the size of the log."""
        log = self._store.run(audit_log.current(self._log, self._key))
        self._log = self._store.run(audit_tree.publish(log, self._store.key))
        return self._log.size

    def sweep(self) -> int:
        """Publish, and keep what is published from passing for as long as nothing replaces it; the size of the log."""
        size = self.publish()
        if self._log is not None:
            self._store.run(audit_tree.renew(self._log.published, self._store.now - DAY))
        return size

    def _key(self) -> VerifierKey:
        return self._store.key
