"""The operator API's operations on the lockdown of the fleet."""

from local.openapi import lockdown_answers as answers
from local.openapi.operation import Operation
from local.openapi.operator_approvals import CODE
from portcullis.domain.lockdown_requests import Lift, NewLockdown

LOCKDOWN = (
    Operation(
        name="get_lockdown",
        method="GET",
        path="/v1/lockdown",
        summary="Read whether the fleet is in lockdown, and how far its work is",
        answers={200: answers.Lockdown},
    ),
    Operation(
        name="start_lockdown",
        method="POST",
        path="/v1/lockdown",
        summary="Stop every agent; while that holds, no change",
        body=NewLockdown,
        example={"reason": "keys of many agents in a public repository"},
        answers={200: answers.Lockdown},
    ),
    Operation(
        name="run_lockdown",
        method="POST",
        path="/v1/lockdown/run",
        summary="Do some seconds of a lockdown's work now, which is otherwise done every minute",
        answers={200: answers.RunLockdown},
    ),
    Operation(
        name="lift_lockdown",
        method="POST",
        path="/v1/approvers/{approver}/lockdown-lifts",
        summary="Lift a lockdown for some agents, for a share of the others, or for all",
        body=Lift,
        example={"code": CODE, "share": 10},
        answers={200: answers.Lockdown},
        codes=("forbidden", "state_conflict"),
    ),
)
