"""The bucket of the audit log, which is locked but for partial files: those pass."""

from aws_cdk import Duration
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.locked_bucket import LockedBucket
from infra.stages import Stage

PASSING_OBJECTS = ("tile/0/*.p/*", "tile/entries/*.p/*")
"""Partial tiles and bundles: the writer locks them for a day, and tags them."""
PASSING_TAG = {"passing": "true"}
PASSING_DAYS = 3
"""They expire then. The writer puts those that nothing has replaced anew after a day."""


class AuditBucket(LockedBucket):
    """Only partial files can be locked for less or tagged, and only what is tagged expires."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, writer: str, break_glass: str) -> None:
        super().__init__(
            scope,
            id_,
            stage=stage,
            writer=writer,
            break_glass=break_glass,
            passing=PASSING_OBJECTS,
            lifecycle_rules=lifecycle(),
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
