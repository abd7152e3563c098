"""The permissions of a role that a service works with: a pipe's, a state machine's.

Symptom mended: such a service reads, invokes, sends and publishes without its role being asked, so a missing grant
would first show on AWS.
"""

from typing import Any

from local.emulator.hooks import module


class NotPermitted(Exception):
    """The role lacks a permission; the message names the action and the resource."""


def require(role_arn: str, action: str, resource: str, region: str) -> None:
    """Raise `NotPermitted` unless the role's policies allow the action on the resource."""
    evaluator = module("core.iam_evaluator")
    account = role_arn.split(":")[4]
    policies = evaluator._gather_role_policies(role_arn.rsplit("/", 1)[-1], account)
    context: Any = evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=region,
    )
    if evaluator.evaluate(context, policies).decision != "Allow":
        raise NotPermitted(f"{role_arn} is not allowed {action} on {resource}")
