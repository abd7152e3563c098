"""The IAM condition key `aws:PrincipalArn`.

Symptom mended: for a role's session it is the ARN of the session; on AWS it is the ARN of the role, so a policy that
names the role would match nobody.
"""

import re
from typing import Any

from local.emulator.hooks import module, replace

KEY = "aws:principalarn"
_SESSION = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.+")


def mend() -> None:
    def resolve(original: Any) -> Any:
        def value_of(key: str, context: Any) -> Any:
            value = original(key, context)
            return role_arn(str(value)) if key.lower() == KEY else value

        return value_of

    replace(module("core.iam_evaluator"), "_resolve_condition_key", resolve)


def role_arn(arn: str) -> str:
    """The role's ARN for a session of it; any other ARN as it is."""
    session = _SESSION.fullmatch(arn)
    return f"arn:{session['partition']}:iam::{session['account']}:role/{session['role']}" if session else arn
