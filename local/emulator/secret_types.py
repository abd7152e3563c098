"""Secrets of a template.

Symptoms mended: `Ref` gives a secret's name instead of its ARN, so a role that may read it reads nothing; a generated
value has the characters that the template leaves out.
"""

import string
from typing import Any

from local.emulator.hooks import is_true, module, replace, resource_handlers

LEFT_OUT = {
    "ExcludePunctuation": string.punctuation,
    "ExcludeNumbers": string.digits,
    "ExcludeLowercase": string.ascii_lowercase,
    "ExcludeUppercase": string.ascii_uppercase,
}


def mend() -> None:
    replace(module("services.cloudformation.provisioners"), "_sm_secret_string", _with_less)
    handler = resource_handlers()["AWS::SecretsManager::Secret"]
    create, update, delete = handler["create"], handler["update"], handler["delete"]

    def created(*given: Any) -> tuple[str, dict[str, Any]]:
        _name, attributes = create(*given)
        return attributes["Arn"], attributes

    def updated(physical_id: str, *more: Any, **named: Any) -> tuple[str, dict[str, Any]]:
        _name, attributes = update(_name_of(physical_id), *more, **named)
        return attributes["Arn"], attributes

    def deleted(physical_id: str, properties: dict[str, Any]) -> None:
        delete(_name_of(physical_id), properties)

    handler.update(create=created, update=updated, delete=deleted)


def _name_of(arn: str) -> str:
    name, _secret = module("services.secretsmanager")._resolve(arn)
    return str(name or arn)


def _with_less(original: Any) -> Any:
    def text(properties: dict[str, Any]) -> str:
        wanted = properties.get("GenerateSecretString")
        if not wanted:
            return str(original(properties))
        left_out = "".join(each for name, each in LEFT_OUT.items() if is_true(wanted.get(name, False)))
        less = {**wanted, "ExcludeCharacters": wanted.get("ExcludeCharacters", "") + left_out}
        return str(original({**properties, "GenerateSecretString": less}))

    return text
