"""The operator API's operations on the keys of all agents, and on the root that secrets come from."""

from local.openapi import key_job_answers as answers
from local.openapi.operation import Operation
from local.openapi.parts import PAGE
from portcullis.domain.key_requests import NewGeneration, NewKeyJob

KEY_JOBS = (
    Operation(
        name="create_key_job",
        method="POST",
        path="/v1/key-jobs",
        summary="Rotate or revoke the keys of a class, those of older roots, or all",
        parameters=("retry_key",),
        body=NewKeyJob,
        example={"action": "rotate", "key_class": "production", "reason": "yearly"},
        answers={201: answers.KeyJob},
        codes=("idempotency_conflict",),
    ),
    Operation(
        name="list_key_jobs",
        method="GET",
        path="/v1/key-jobs",
        summary="List key jobs",
        parameters=PAGE,
        answers={200: answers.KeyJobs},
    ),
    Operation(
        name="get_key_job",
        method="GET",
        path="/v1/key-jobs/{job}",
        summary="Read a key job and its progress",
        answers={200: answers.KeyJob},
        codes=("not_found",),
    ),
    Operation(
        name="list_key_job_keys",
        method="GET",
        path="/v1/key-jobs/{job}/keys",
        summary="List the keys of a key job that are outstanding, or have failed",
        parameters=("key_status", *PAGE),
        answers={200: answers.KeysOfJob},
        codes=("not_found",),
    ),
    Operation(
        name="run_key_job",
        method="POST",
        path="/v1/key-jobs/{job}/run",
        summary="Do some seconds of a key job's work now, which is otherwise done every minute",
        answers={200: answers.RunKeyJob},
        codes=("not_found",),
    ),
    Operation(
        name="cancel_key_job",
        method="POST",
        path="/v1/key-jobs/{job}/cancel",
        summary="End a key job; what it has done stays done",
        answers={200: answers.KeyJob},
        codes=("not_found", "state_conflict"),
    ),
)
ROOT = (
    Operation(
        name="get_root",
        method="GET",
        path="/v1/root",
        summary="Read the generations of the root, and what still needs each",
        answers={200: answers.Root},
    ),
    Operation(
        name="advance_root",
        method="POST",
        path="/v1/root/generation",
        summary="Let new keys be of a later generation of the root",
        body=NewGeneration,
        example={"generation": "1"},
        answers={200: answers.Root},
        codes=("state_conflict",),
    ),
)
