"""The key jobs: go over the keys of all agents and revoke them, or ask for their rotation. They derive no secret."""

from aws_cdk.aws_lambda import IFunction
from constructs import Construct

from infra.constructs.agent_secrets import agent_secrets, agent_secrets_finding
from infra.constructs.function import Function, allow, leading_keys
from infra.constructs.nag import acknowledge
from infra.stacks.data import STATUS_INDEX, Data


def key_jobs(scope: Construct, data: Data, rotation: IFunction) -> Function:
    """Started by a schedule; a run that does not come to the end is taken up by the next."""
    core = data.core.table_arn
    function = Function(
        scope,
        "KeyJobs",
        stage=data.stage,
        name="key_jobs",
        may=[
            allow(
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                on=[core],
                when=leading_keys("AGENT#*", "JOB#*", "KEY#*"),
            ),
            allow(
                "dynamodb:Query",
                on=[f"{core}/index/{STATUS_INDEX}"],
                when=leading_keys("AGENTS", "JOBS#open", "ag_*#KEYS", "kj_*"),
            ),
            allow("secretsmanager:DescribeSecret", "secretsmanager:RotateSecret", on=[agent_secrets(data.stage)]),
            allow("lambda:InvokeFunction", on=[rotation.function_arn]),  # which RotateSecret asks of its caller
        ],
        environment={
            "CORE_TABLE": data.core.table_name,
            "ROTATION_FUNCTION": rotation.function_arn,
        },
        memory_mb=512,
        timeout_seconds=120,
    )
    acknowledge(function.policy, agent_secrets_finding(data.stage), "Secrets are named by agents, unknown beforehand.")
    return function
