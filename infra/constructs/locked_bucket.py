"""A bucket in which everything stays, unchanged, for the stage's number of days."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.bucket import Bucket
from infra.constructs.nag import acknowledge
from infra.stages import Stage

REMOVALS = (
    "s3:DeleteBucket",
    "s3:DeleteObject",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersion",
    "s3:DeleteObjectVersionTagging",
    "s3:BypassGovernanceRetention",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutObjectLegalHold",
)
SETTINGS = (
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketLogging",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
)
MARKS = ("s3:PutObjectRetention", "s3:PutObjectTagging", "s3:PutObjectVersionTagging")
WRITES = ("s3:PutObject", "s3:PutObjectAcl", "s3:ReplicateObject", *MARKS)


class LockedBucket(Bucket):
    """Object Lock in COMPLIANCE mode, so that not even the account's root deletes or shortens, and a policy against
    what the lock leaves open: delete markers, other settings, and writes by anybody but the writer. Only ``passing``
    objects, if any, can be locked for less or tagged.

    ``writer`` and ``break_glass`` are patterns of role ARNs: the writer's role is made later, in another stack.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        writer: str,
        break_glass: str,
        passing: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        accesses = Bucket(scope, f"{id_}AccessLog", stage=stage)
        acknowledge(accesses, "S1", "It is itself the log of accesses.")
        super().__init__(
            scope,
            id_,
            stage=stage,
            object_lock_enabled=True,
            object_lock_default_retention=s3.ObjectLockRetention.compliance(Duration.days(stage.audit_days)),
            server_access_logs_bucket=accesses,
            server_access_logs_prefix=f"{id_.lower()}/",
            **settings,
        )
        self._deny("NobodyRemovesOrShortens", REMOVALS, {})
        self._deny("OnlyBreakGlassChangesSettings", SETTINGS, but_for(break_glass))
        self._deny("OnlyTheWriterPuts", WRITES, but_for(writer))
        self._deny("OnlyPassingObjectsAreMarked", MARKS, {}, but_on=[self.arn_for_objects(each) for each in passing])

    def _deny(
        self,
        sid: str,
        actions: Sequence[str],
        when: Mapping[str, Mapping[str, object]],
        but_on: Sequence[str] = (),
    ) -> None:
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=list(actions),
                conditions=when,
                resources=None if but_on else [self.bucket_arn, self.arn_for_objects("*")],
                not_resources=list(but_on) or None,
            )
        )


def but_for(role: str) -> Mapping[str, Mapping[str, object]]:
    """The condition that spares the roles whose ARN is like ``role``. A service without a principal is not spared."""
    return {"ArnNotLike": {"aws:PrincipalArn": [role]}}


def role_arn(name: str) -> str:
    """The pattern of a role of this account by its name, which may end in ``*``."""
    return f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{name}"
