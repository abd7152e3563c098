"""The secrets in which Secrets Manager keeps agents' keys."""

from aws_cdk import Aws

from infra.stages import Stage

FINDING = "IAM5[Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:{names}]"


def agent_secrets(stage: Stage) -> str:
    """The ARN of all of a stage; Secrets Manager ends each name with six characters of its own."""
    return f"arn:{Aws.PARTITION}:secretsmanager:{Aws.REGION}:{Aws.ACCOUNT_ID}:secret:{_names(stage)}"


def agent_secrets_finding(stage: Stage) -> str:
    """How the rule on wildcards names that ARN."""
    return FINDING.format(names=_names(stage))


def _names(stage: Stage) -> str:
    return f"portcullis/{stage.name}/agents/*"
