"""What exports the audit log of an agent that was cut off: the one role that puts into the bucket of evidence."""

from constructs import Construct

from infra.constructs.function import Function, allow, leading_keys
from infra.constructs.nag import acknowledge
from infra.stacks.data import AUDIT_CHECKPOINT, AUDIT_TILES, EVIDENCE_OBJECTS, EVIDENCE_WRITER, Data


def contain_evidence(scope: Construct, data: Data) -> Function:
    """One step of a containment. Its memory holds the largest export twice; twice its time fits into the machine's."""
    evidence = data.evidence.arn_for_objects(EVIDENCE_OBJECTS)
    function = Function(
        scope,
        EVIDENCE_WRITER,
        stage=data.stage,
        name="contain_evidence",
        may=[
            allow("dynamodb:GetItem", on=[data.core.table_arn], when=leading_keys("INCIDENT#*", "INCIDENTS#*")),
            allow("s3:GetObject", on=[data.audit.arn_for_objects(each) for each in (AUDIT_TILES, AUDIT_CHECKPOINT)]),
            allow("s3:GetObject", "s3:PutObject", on=[evidence]),
            # Without it S3 says of what is not there that it may not be read.
            allow("s3:ListBucket", on=[data.audit.bucket_arn, data.evidence.bucket_arn]),
            allow("kms:GetPublicKey", on=[data.audit_key.key_arn]),
        ],
        environment={
            "CORE_TABLE": data.core.table_name,
            "AUDIT_BUCKET": data.audit.bucket_name,
            "AUDIT_KEY_ID": data.audit_key.key_arn,
            "AUDIT_ORIGIN": data.audit_origin,
            "EVIDENCE_BUCKET": data.evidence.bucket_name,
            "EVIDENCE_HOURS": str(data.stage.evidence_hours),
        },
        memory_mb=2048,
        timeout_seconds=300,
    )
    acknowledge(function.policy, data.audit_findings[AUDIT_TILES], "Tiles are named by their place in the log.")
    acknowledge(function.policy, data.evidence_finding, "Evidence is named by its incident, unknown beforehand.")
    return function
