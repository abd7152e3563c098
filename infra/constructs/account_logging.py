"""API Gateway's permission to write logs, which AWS keeps once per account and region."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.nag import acknowledge
from infra.stages import Stage


class AccountLogging(Construct):
    """The role with which API Gateway writes access and error logs. It stays when the stack goes: other APIs use it."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(scope, id_)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name("service-role/AmazonAPIGatewayPushToCloudWatchLogs")
            ],
        )
        account = apigateway.CfnAccount(self, "Account", cloud_watch_role_arn=role.role_arn)
        for resource in (role, account):
            resource.apply_removal_policy(RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY)
        acknowledge(
            role,
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]",
            "The setting is the account's, for all its APIs, and AWS documents this managed policy as the one to use.",
        )

    def precede(self, api: apigateway.RestApi) -> None:
        """A stage that logs can only be created once the account has the role."""
        api.deployment_stage.node.add_dependency(self)
