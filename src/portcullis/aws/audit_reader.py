"""The published audit log, read only: what the operator API answers from."""

from functools import cached_property

from portcullis.aws import audit_objects
from portcullis.aws.function_settings import AuditReaderSettings
from portcullis.aws.settings import AwsEnvironment
from portcullis.aws.wire import Service
from portcullis.domain.audit_operations import Operation, Read, Steps, T
from portcullis.protocol.notes import VerifierKey


class AuditReader:
    """One log. ``run`` carries out steps that only read."""

    def __init__(self, settings: AuditReaderSettings, environment: AwsEnvironment) -> None:
        self.bucket, self.origin = settings.bucket, settings.origin
        self._key_id = settings.key_id
        self._s3 = Service("s3", environment)
        self._kms = Service("kms", environment)

    def run(self, steps: Steps[T]) -> T:
        """The result of ``steps``. Raises Unavailable or AwsError in the midst of them."""
        return audit_objects.run(steps, self._do)

    @cached_property
    def key(self) -> VerifierKey:
        """The key that verifies the checkpoints; it never changes, so each process asks once."""
        return audit_objects.verifier_key(self._kms, self._key_id, self.origin)

    def _do(self, operation: Operation) -> object:
        if not isinstance(operation, Read):
            raise TypeError(f"{operation} does more than read")
        return audit_objects.read(self._s3, self.bucket, operation.path)
