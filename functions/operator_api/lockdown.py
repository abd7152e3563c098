"""The lockdown of the fleet: started by anybody who may, driven, lifted in stages by the code of an approver."""

import time
from typing import Any

from functions.operator_api.codes import presented_by
from functions.operator_api.request import actor_of, stores
from portcullis.aws import lockdown_orders, lockdowns
from portcullis.aws.proxy import Answer, json_answer, json_body
from portcullis.domain.lockdown import describe
from portcullis.domain.lockdown_requests import Lift, NewLockdown

SLICE_SECONDS = 4.0
"""What is left of the function's time is for the one agent that may be contended."""


def _show(_event: dict[str, Any]) -> Answer:
    return json_answer(200, describe(lockdowns.read(stores().table)))


def _start(event: dict[str, Any]) -> Answer:
    reason = json_body(event, NewLockdown).reason
    return json_answer(200, describe(lockdown_orders.start(stores().table, actor_of(event), reason)))


def _run(_event: dict[str, Any]) -> Answer:
    ends = time.monotonic() + SLICE_SECONDS
    worked = stores().lockdowns.run(lambda: time.monotonic() < ends)
    return json_answer(200, {**describe(lockdowns.read(stores().table)), "worked": worked})


def _lift(event: dict[str, Any]) -> Answer:
    wanted = json_body(event, Lift)
    presented = presented_by(event, wanted.code)
    agents = tuple(sorted(set(wanted.agents or ())))
    lifting = lockdown_orders.lift(stores().table, actor_of(event), presented, agents, wanted.share)
    return json_answer(200, describe(lifting))


ROUTES = {
    ("GET", "/v1/lockdown"): _show,
    ("POST", "/v1/lockdown"): _start,
    ("POST", "/v1/lockdown/run"): _run,
    ("POST", "/v1/approvers/{approver}/lockdown-lifts"): _lift,
}
