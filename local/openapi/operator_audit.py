"""The operator API's operations on the audit log."""

from local.openapi import audit_answers
from local.openapi.operation import Operation
from local.openapi.parts import PAGE

AUDIT = (
    Operation(
        name="list_audit_entries",
        method="GET",
        path="/v1/audit/entries",
        summary="Search the audit log, newest first; a page may be empty and have a cursor",
        parameters=("of_agent", "since", "until", "type", "outcome", *PAGE),
        answers={200: audit_answers.AuditEntries},
    ),
    Operation(
        name="get_audit_checkpoint",
        method="GET",
        path="/v1/audit/checkpoint",
        summary="Read the latest checkpoint, and what it is verified with",
        answers={200: audit_answers.AuditCheckpoint},
    ),
    Operation(
        name="get_audit_proof",
        method="GET",
        path="/v1/audit/proofs",
        summary="Prove that an entry, named by its index or its event, is in the audit log",
        parameters=("index", "event", "at", "cursor"),
        answers={200: audit_answers.AuditProof},
    ),
    Operation(
        name="get_audit_consistency",
        method="GET",
        path="/v1/audit/consistency",
        summary="Prove that the audit log of one size begins with that of a smaller one",
        parameters=("first", "second"),
        answers={200: audit_answers.AuditConsistency},
    ),
)
