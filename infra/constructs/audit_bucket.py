"""The bucket of the audit log: what is in it stays, unchanged, for the stage's number of days."""

from collections.abc import Mapping, Sequence

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
PASSING_OBJECTS = ("tile/0/*.p/*", "tile/entries/*.p/*")
"""Partial tiles and bundles: the writer locks them for a day, and tags them."""
PASSING_TAG = {"passing": "true"}
PASSING_DAYS = 3
"""They expire then. The writer puts those that nothing has replaced anew after a day."""


class AuditBucket(Bucket):
    """Object Lock in COMPLIANCE mode, so that not even the account's root deletes or shortens, and a policy against
    what the lock leaves open: delete markers, other settings, and writes by anybody but the writer. Only partial files
    can be locked for less or tagged, and only what is tagged expires.

    ``writer`` and ``break_glass`` are patterns of role ARNs: the writer's role is made later, in another stack.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, writer: str, break_glass: str) -> None:
        accesses = Bucket(scope, f"{id_}AccessLog", stage=stage)
        acknowledge(accesses, "S1", "It is itself the log of accesses.")
        super().__init__(
            scope,
            id_,
            stage=stage,
            object_lock_enabled=True,
            lifecycle_rules=lifecycle(),
            object_lock_default_retention=s3.ObjectLockRetention.compliance(Duration.days(stage.audit_days)),
            server_access_logs_bucket=accesses,
            server_access_logs_prefix="audit/",
        )
        self._deny("NobodyRemovesOrShortens", REMOVALS, {})
        self._deny("OnlyBreakGlassChangesSettings", SETTINGS, but_for(break_glass))
        self._deny("OnlyTheWriterPuts", WRITES, but_for(writer))
        passing = [self.arn_for_objects(each) for each in PASSING_OBJECTS]
        self._deny("OnlyPartialFilesPass", MARKS, {}, but_on=passing)

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
                not_resources=but_on or None,
            )
        )


def lifecycle() -> list[s3.LifecycleRule]:
    """What is tagged expires, then its versions, then the markers, for which S3 takes no rule with a tag."""
    return [
        s3.LifecycleRule(
            id="PassingExpires",
            prefix="tile/",
            tag_filters=PASSING_TAG,
            expiration=Duration.days(PASSING_DAYS),
            noncurrent_version_expiration=Duration.days(1),
        ),
        s3.LifecycleRule(id="MarkersGo", prefix="tile/", expired_object_delete_marker=True),
    ]


def but_for(role: str) -> Mapping[str, Mapping[str, object]]:
    """The condition that spares the roles whose ARN is like ``role``. A service without a principal is not spared."""
    return {"ArnNotLike": {"aws:PrincipalArn": [role]}}


def role_arn(name: str) -> str:
    """The pattern of a role of this account by its name, which may end in ``*``."""
    return f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{name}"
