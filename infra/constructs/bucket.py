"""An S3 bucket that only its own account reads, over TLS, and that keeps what was overwritten."""

from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.stages import Stage


class Bucket(s3.Bucket):
    """Private, versioned, encrypted with S3's own keys, refusing requests without TLS."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, **settings: Any) -> None:
        super().__init__(
            scope,
            id_,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY,
            versioned=True,
            **settings,
        )
