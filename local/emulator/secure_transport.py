"""Loopback counts as a secure transport.

Symptom mended: with IAM enforced, `cdk deploy` is denied by the bootstrap bucket's own policy, because it refuses
requests without TLS and nothing on this machine uses TLS.
"""

from typing import Any

from local.emulator.hooks import module, replace


def mend() -> None:
    def pin(original: Any) -> Any:
        return lambda address, _secure: original(address, True)

    replace(module("app"), "pin_request_origin", pin)
