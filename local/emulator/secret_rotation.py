"""Rotation of secrets by a function.

Symptoms mended: `RotateSecret` copies the current version and calls no function, and no schedule ever fires.

A rotation that fails is tried a few times and then given up; its version stays staged AWSPENDING and, as on AWS,
stands in the way of the next. `ROTATION_SECONDS_PER_DAY` in the environment makes the days of schedules shorter.
"""

import logging
import os
import re
import threading
import time
import uuid
from typing import Any

from local.emulator.hooks import module, replace
from local.emulator.invoke_permissions import permitted

logger = logging.getLogger("secretsmanager")
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
SERVICE = "secretsmanager.amazonaws.com"
SECONDS_PER_DAY = "ROTATION_SECONDS_PER_DAY"
ATTEMPTS = 5
PAUSE_SECONDS = 0.3
POLL_SECONDS = 0.2
NEXT = "_NextRotation"
_RATE = re.compile(r"rate\((\d+) (hour|day)s?\)")
Secret = dict[str, Any]


def mend() -> None:
    secrets = module("services.secretsmanager")

    def rotate(original: Any) -> Any:
        def start(request: dict[str, Any]) -> Any:
            _name, secret = secrets._resolve(request.get("SecretId"))
            if not secret or secret.get("DeletedDate"):
                return original(request)
            refusal = configure(secret, request)
            if refusal:
                return module("core.responses").error_response_json("InvalidRequestException", refusal, 400)
            answer = {"ARN": secret["ARN"], "Name": secret["Name"]}
            if request.get("RotateImmediately", True):
                answer["VersionId"] = begin(secret, request.get("ClientRequestToken") or str(uuid.uuid4()))
            return module("core.responses").json_response(answer)

        return start

    replace(secrets, "_rotate_secret", rotate)
    threading.Thread(target=_watch, args=(secrets,), daemon=True).start()


def configure(secret: Secret, request: dict[str, Any]) -> str | None:
    """Take the settings of a RotateSecret; why it is refused, or None."""
    function = request.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    rules = request.get("RotationRules") or secret.get("RotationRules")
    if not function:
        return "No Lambda rotation function ARN is associated with this secret."
    if pending(secret):
        return "A previous rotation isn't complete. That rotation will be reattempted."
    secret.update(RotationLambdaARN=function, RotationRules=rules, RotationEnabled=True)
    secret[NEXT] = next_rotation(rules, time.time())
    return None


def pending(secret: Secret) -> str | None:
    """The version that is staged AWSPENDING and is not current."""
    for token, version in secret["Versions"].items():
        if "AWSPENDING" in version["Stages"] and "AWSCURRENT" not in version["Stages"]:
            return str(token)
    return None


def next_rotation(rules: dict[str, Any] | None, last: float) -> float | None:
    """When a secret that was last rotated at `last` is due; None without a rate."""
    match = _RATE.fullmatch((rules or {}).get("ScheduleExpression") or "")
    if not match:
        return None
    days = int(match[1]) / (24 if match[2] == "hour" else 1)
    return last + days * float(os.environ.get(SECONDS_PER_DAY, "86400"))


def begin(secret: Secret, token: str) -> str:
    """Stage a version without a value and call the function's steps on a thread."""
    for version in secret["Versions"].values():
        version["Stages"] = [stage for stage in version["Stages"] if stage != "AWSPENDING"]
    empty = {"SecretString": None, "SecretBinary": None, "CreatedDate": int(time.time()), "Stages": ["AWSPENDING"]}
    version = secret["Versions"].setdefault(token, empty)
    version["Stages"] = version["Stages"] or ["AWSPENDING"]  # it may have been given up and unstaged
    threading.Thread(target=_run, args=(secret, token), daemon=True).start()
    return token


def _run(secret: Secret, token: str) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        if all(_step(secret, token, step) for step in STEPS):
            secret["LastRotatedDate"] = int(time.time())
            return
        time.sleep(PAUSE_SECONDS * attempt)
    logger.warning("rotation of %s given up", secret["Name"])


def _step(secret: Secret, token: str, step: str) -> bool:
    lambdas = module("services.lambda_svc")
    function = secret["RotationLambdaARN"]
    region, account = function.split(":")[3:5]
    with module("core.responses").request_scope(account, region):
        record, config, _name = lambdas._get_func_record_for_ref_in_scope(function, account_id=account, region=region)
        if not permitted(record, secret["ARN"], service=SERVICE):
            logger.warning("%s may not invoke %s", SERVICE, function)
            return False
        event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": token}
        record = lambdas._execution_record_for_config(record, config)
        return not lambdas._execute_function_with_config_scope(record, event).get("error")


def _watch(secrets: Any) -> None:
    while True:
        time.sleep(POLL_SECONDS)
        for secret in list(secrets._secrets.all_values()):
            if (secret.get(NEXT) or float("inf")) > time.time() or secret.get("DeletedDate") or pending(secret):
                continue
            secret[NEXT] = next_rotation(secret["RotationRules"], time.time())
            begin(secret, str(uuid.uuid4()))
