"""The CDK app of one stage."""

from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.stacks.data import Data
from infra.stacks.gateway import Gateway
from infra.stages import stage_named

# The gateway's use of the tables keeps CloudFormation from deleting them.
CONTEXT = {"@aws-cdk/core:defaultCrossStackReferences": "strong"}


def portcullis_app(stage_name: str | None = None, outdir: Path | None = None) -> App:
    """Both stacks of a stage, checked by the AwsSolutions rules. The stage comes from ``-c stage=NAME`` if not given."""
    app = App(analytics_reporting=False, context=CONTEXT, outdir=str(outdir) if outdir else None)
    stage = stage_named(stage_name or app.node.try_get_context("stage"))
    Gateway(app, Data(app, stage))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app
