"""The operator API, one entry per operation."""

from local import ports
from local.openapi import answers, key_answers
from local.openapi.operation import Api, Operation
from local.openapi.operator_approvals import APPROVALS, APPROVERS, TRANSACTIONS
from local.openapi.operator_audit import AUDIT
from local.openapi.operator_detection import DETECTION
from local.openapi.operator_incidents import INCIDENTS
from local.openapi.operator_keys import KEY_JOBS, ROOT
from local.openapi.operator_lockdown import LOCKDOWN
from local.openapi.operator_policies import POLICIES, POLICY, TRIALS
from local.openapi.parts import PAGE, SIGV4
from portcullis.domain.key_requests import KeyRotation
from portcullis.domain.operator_requests import NewAgent, NewKey, NewPrice, Retirement, Suspension

DESCRIPTION = """\
What operators call, by hand with `portcullis` or from programs. IAM authorizes each operation: sign with AWS Signature
Version 4 for the service `execute-api`. An unsigned request and an unknown route get the same answer.

Every refusal is problem details (RFC 9457) with a stable `code`. Every change is recorded with its caller."""


OPERATOR_API = Api(
    title="Portcullis operator API",
    description=DESCRIPTION,
    port=ports.FIRST + 2,
    schemes=SIGV4,
    security=(tuple(SIGV4),),
    codes=("malformed_request", "forbidden", "blocked", "rate_limited", "dependency_unavailable"),
    operations=(
        Operation(
            name="list_agents",
            method="GET",
            path="/v1/agents",
            summary="List agents",
            parameters=PAGE,
            answers={200: answers.Agents},
        ),
        Operation(
            name="create_agent",
            method="POST",
            path="/v1/agents",
            summary="Create an agent under version 1 of its policy",
            parameters=("retry_key",),
            body=NewAgent,
            example={"name": "payer", "policy": POLICY},
            answers={201: answers.Agent},
            codes=("idempotency_conflict",),
        ),
        Operation(
            name="get_agent",
            method="GET",
            path="/v1/agents/{agent}",
            summary="Read an agent",
            answers={200: answers.Agent},
            codes=("not_found",),
        ),
        Operation(
            name="suspend_agent",
            method="POST",
            path="/v1/agents/{agent}/suspend",
            summary="Stop an agent and end its keys, in one write",
            body=Suspension,
            example={"reason": "key found in a public repository"},
            answers={200: answers.Agent},
            codes=("not_found",),
        ),
        Operation(
            name="list_keys",
            method="GET",
            path="/v1/agents/{agent}/keys",
            summary="List an agent's keys",
            parameters=PAGE,
            answers={200: key_answers.Keys},
            codes=("not_found",),
        ),
        Operation(
            name="issue_key",
            method="POST",
            path="/v1/agents/{agent}/keys",
            summary="Issue a key; its secret is shown in this answer alone",
            parameters=("retry_key",),
            body=NewKey,
            body_required=False,
            example={"scopes": ["transactions:read"], "ip_ranges": ["203.0.113.0/24"]},
            answers={201: answers.IssuedKey},
            codes=("not_found", "idempotency_conflict", "state_conflict"),
        ),
        Operation(
            name="revoke_all_keys",
            method="POST",
            path="/v1/agents/{agent}/keys/revoke",
            summary="End all keys of an agent for good",
            answers={200: key_answers.RevokedKeys},
            codes=("not_found",),
        ),
        Operation(
            name="rotate_key",
            method="POST",
            path="/v1/agents/{agent}/keys/{key}/rotate",
            summary="Replace a key; the secret of its successor is shown in this answer alone",
            parameters=("retry_key",),
            body=KeyRotation,
            body_required=False,
            example={"overlap_seconds": 3600},
            answers={201: key_answers.RotatedKey, 202: key_answers.StartedRotation},
            codes=("not_found", "idempotency_conflict", "state_conflict"),
        ),
        Operation(
            name="retire_key",
            method="POST",
            path="/v1/agents/{agent}/keys/{key}/retire",
            summary="Let a key end at an announced instant",
            body=Retirement,
            example={"until": "2030-01-31T09:30:00Z"},
            answers={200: answers.Key},
            codes=("not_found", "state_conflict"),
        ),
        Operation(
            name="revoke_key",
            method="POST",
            path="/v1/agents/{agent}/keys/{key}/revoke",
            summary="End a key for good, and what its agent has made of it",
            answers={200: key_answers.RevokedKey},
            codes=("not_found",),
        ),
        Operation(
            name="list_events",
            method="GET",
            path="/v1/agents/{agent}/events",
            summary="List what operators and functions changed of an agent",
            parameters=PAGE,
            answers={200: answers.Events},
            codes=("not_found",),
        ),
        Operation(
            name="list_prices",
            method="GET",
            path="/v1/prices",
            summary="Read the price table",
            answers={200: answers.Prices},
        ),
        Operation(
            name="set_price",
            method="PUT",
            path="/v1/prices/{token}",
            summary="Set what a token is worth",
            body=NewPrice,
            example={"usd": "0.9998", "expires_at": None},
            answers={200: answers.Price},
        ),
        *POLICIES,
        *TRIALS,
        *TRANSACTIONS,
        *APPROVERS,
        *APPROVALS,
        *AUDIT,
        *KEY_JOBS,
        *ROOT,
        *DETECTION,
        *INCIDENTS,
        *LOCKDOWN,
    ),
)
