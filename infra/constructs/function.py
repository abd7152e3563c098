"""A Lambda function with a role and a log group of its own."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.bundling.bundle import bundle, entry_point
from infra.constructs.logs import LogGroup
from infra.constructs.nag import acknowledge
from infra.stages import Stage


class Function(lambda_.Function):
    """``functions/<name>`` on arm64, allowed to write its own log, to do what ``may`` says, and nothing else."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        name: str,
        may: Sequence[iam.PolicyStatement],
        environment: Mapping[str, str],
        memory_mb: int,
        timeout_seconds: int,
    ) -> None:
        made = bundle(name, stage.target)
        log_group = LogGroup(scope, f"{id_}Log", stage=stage)
        role = iam.Role(scope, f"{id_}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        write_log = allow("logs:CreateLogStream", "logs:PutLogEvents", on=[log_group.log_group_arn])
        policy = iam.Policy(scope, f"{id_}Policy", roles=[role], statements=[write_log, *may])
        super().__init__(
            scope,
            id_,
            code=lambda_.Code.from_asset(str(made.path), asset_hash=made.digest),
            handler=entry_point(name),
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            # Immutable, so that nothing but this list is ever granted, however the function is wired elsewhere.
            role=role.without_policy_updates(),
            log_group=log_group,
            environment={"PORTCULLIS_STAGE": stage.name, **environment},
            memory_size=memory_mb,
            timeout=Duration.seconds(timeout_seconds),
        )
        self.policy = policy
        self.node.add_dependency(policy)
        acknowledge(self, "L1", "Lambda supports Python 3.13 until 2029, and the locked wheels are chosen for it.")


def allow(
    *actions: str, on: Sequence[str], when: Mapping[str, Mapping[str, object]] | None = None
) -> iam.PolicyStatement:
    """A statement that allows ``actions`` on the resources ``on`` under the conditions ``when``."""
    return iam.PolicyStatement(actions=list(actions), resources=list(on), conditions=when)


def leading_keys(*patterns: str) -> Mapping[str, Mapping[str, object]]:
    """Only items whose partition key matches one of ``patterns``. For all of none holds too, hence the Null."""
    key = "dynamodb:LeadingKeys"
    return {"ForAllValues:StringLike": {key: list(patterns)}, "Null": {key: "false"}}


def sources(*names: str) -> Mapping[str, Mapping[str, object]]:
    """Only events whose source is one of ``names``. A call puts several; for all of none holds too, hence the Null."""
    key = "events:source"
    return {"ForAllValues:StringEquals": {key: list(names)}, "Null": {key: "false"}}
