"""The IAM condition key `secretsmanager:resource/AllowRotationLambdaArn`.

Symptom mended: the key is never filled, so a role that is bound to the secrets that its function rotates reaches none.
"""

from typing import Any

from local.emulator.hooks import as_object, module, replace

KEY = "secretsmanager:resource/AllowRotationLambdaArn"


def mend() -> None:
    secrets = module("services.secretsmanager")

    def request_context(original: Any) -> Any:
        def build(service: str, action: str, body: bytes, parameters: Any) -> dict[str, Any]:
            context: dict[str, Any] = original(service, action, body, parameters)
            if service != "secretsmanager":
                return context
            _name, secret = secrets._resolve(as_object(body).get("SecretId"))
            function = (secret or {}).get("RotationLambdaARN")
            return context | ({KEY: function} if function else {})

        return build

    replace(module("core.iam_actions"), "request_tag_context", request_context)
