"""The versions of secrets: their ids and values.

Symptoms mended: the first version's id is not the token of the call that made it; a version can be written again with
another value; writing one that is pending leaves the label on another version as well.
"""

import json
from typing import Any

from local.emulator.hooks import module, replace

VALUES = ("SecretString", "SecretBinary")


def mend() -> None:
    secrets = module("services.secretsmanager")

    def create(original: Any) -> Any:
        def answer(request: dict[str, Any]) -> Any:
            status, headers, body = original(request)
            token = request.get("ClientRequestToken")
            if status >= 300 or not token:
                return status, headers, body
            _name, secret = secrets._resolve(request["Name"])
            made = json.loads(body)
            secret["Versions"] = {token: secret["Versions"][made["VersionId"]]}
            return status, headers, json.dumps({**made, "VersionId": token}).encode()

        return answer

    def put(original: Any) -> Any:
        def answer(request: dict[str, Any]) -> Any:
            _name, secret = secrets._resolve(request.get("SecretId"))
            token = str(request.get("ClientRequestToken"))
            if not secret or secret.get("DeletedDate"):
                return original(request)
            present = secret["Versions"].get(token) or {}
            if any(present.get(value) for value in VALUES):
                return _again(secret, token, present, request)
            if "AWSPENDING" in request.get("VersionStages", ()):
                secrets._remove_stage_everywhere(secret, "AWSPENDING")
            return original(request)

        return answer

    replace(secrets, "_create_secret", create)
    replace(secrets, "_put_secret_value", put)


def _again(secret: dict[str, Any], token: str, present: dict[str, Any], request: dict[str, Any]) -> Any:
    responses = module("core.responses")
    if any(present.get(value) != request.get(value) for value in VALUES):
        problem = "You can't use ClientRequestToken again with another value."
        return responses.error_response_json("ResourceExistsException", problem, 400)
    answer = {"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token, "VersionStages": present["Stages"]}
    return responses.json_response(answer)
