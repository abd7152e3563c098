"""The operator API's operations on transactions, on approvers, and of approvers on transactions."""

from local.openapi import answers, approver_answers
from local.openapi.operation import Operation
from local.openapi.operator_policies import SHA256
from local.openapi.parts import PAGE
from portcullis.domain.approver_requests import (
    Approval,
    Cancellation,
    Confirmation,
    Denial,
    FirstApprover,
    NewApprover,
    Reconciliation,
    Revocation,
)

CODE = "492039"
HELD = {
    "agent_id": "ag_7N42dgm5tFLK9N8MT7fHC7",
    "transaction_id": "tx_3mJr7AoUCHxNqd6wh1QoWx",
    "code": CODE,
}

TRANSACTIONS = (
    Operation(
        name="list_transactions",
        method="GET",
        path="/v1/agents/{agent}/transactions",
        summary="List an agent's transactions",
        parameters=("status", *PAGE),
        answers={200: answers.TransactionRecords},
        codes=("not_found",),
    ),
    Operation(
        name="get_transaction",
        method="GET",
        path="/v1/agents/{agent}/transactions/{id}",
        summary="Read a transaction",
        answers={200: answers.TransactionRecord},
        codes=("not_found",),
    ),
    Operation(
        name="cancel_transaction",
        method="POST",
        path="/v1/agents/{agent}/transactions/{id}/cancel",
        summary="Take back a transaction that nobody has claimed",
        body=Cancellation,
        example={"reason": "asked for in error"},
        answers={200: answers.TransactionRecord},
        codes=("not_found", "state_conflict"),
    ),
)

APPROVERS = (
    Operation(
        name="list_approvers",
        method="GET",
        path="/v1/approvers",
        summary="List the people who approve",
        answers={200: approver_answers.Approvers},
    ),
    Operation(
        name="bootstrap_approver",
        method="POST",
        path="/v1/approvers",
        summary="Enrol the first approver, who is the caller: once in a deployment",
        parameters=("retry_key",),
        body=FirstApprover,
        example={"name": "first"},
        answers={201: approver_answers.Approver},
        codes=("idempotency_conflict", "state_conflict"),
    ),
    Operation(
        name="enrol_approver",
        method="POST",
        path="/v1/approvers/{approver}/enrolments",
        summary="Enrol another approver",
        parameters=("retry_key",),
        body=NewApprover,
        example={"name": "second", "identity": "arn:aws:iam::111122223333:user/second", "code": CODE},
        answers={201: approver_answers.Approver},
        codes=("idempotency_conflict", "state_conflict"),
    ),
    Operation(
        name="show_device",
        method="POST",
        path="/v1/approvers/{approver}/device",
        summary="See the secret for one's authenticator app, once",
        parameters=("retry_key",),
        answers={200: approver_answers.Device},
        codes=("state_conflict",),
    ),
    Operation(
        name="confirm_device",
        method="POST",
        path="/v1/approvers/{approver}/confirm",
        summary="Become active, by a first code of the device",
        body=Confirmation,
        example={"code": CODE},
        answers={200: approver_answers.Approver},
        codes=("state_conflict",),
    ),
    Operation(
        name="revoke_approver",
        method="POST",
        path="/v1/approvers/{approver}/revocations",
        summary="End another approver",
        body=Revocation,
        example={"approver_id": "ap_17N42dgm5tFLK9N8MT7fHC", "code": CODE},
        answers={200: approver_answers.Approver},
        codes=("not_found", "state_conflict"),
    ),
)

APPROVALS = (
    Operation(
        name="approve_transaction",
        method="POST",
        path="/v1/approvers/{approver}/approvals",
        summary="Approve a held transaction, with exactly the content that was shown",
        body=Approval,
        example={**HELD, "content_sha256": SHA256},
        answers={200: answers.Transaction},
        codes=("policy_denied", "not_found", "state_conflict"),
    ),
    Operation(
        name="deny_transaction",
        method="POST",
        path="/v1/approvers/{approver}/denials",
        summary="Refuse a held transaction",
        body=Denial,
        example={**HELD, "reason": "nobody ordered this"},
        answers={200: answers.Transaction},
        codes=("not_found", "state_conflict"),
    ),
    Operation(
        name="reconcile_transaction",
        method="POST",
        path="/v1/approvers/{approver}/reconciliations",
        summary="Say whether a transaction whose claim ran out was paid",
        body=Reconciliation,
        example={**HELD, "outcome": "settled", "reference": "0xfeed"},
        answers={200: answers.Transaction},
        codes=("not_found", "state_conflict"),
    ),
)
