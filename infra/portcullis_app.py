"""The CDK app of one stage."""

import json
from pathlib import Path
from typing import Any

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.stacks.data import Data
from infra.stacks.detection import Detection
from infra.stacks.gateway import Gateway
from infra.stacks.response import Response
from infra.stages import stage_named
from infra.toolchain import PROJECT


def portcullis_app(stage_name: str | None = None, outdir: Path | None = None) -> App:
    """The stacks of a stage, checked by the AwsSolutions rules; without a name, the stage of ``-c stage=NAME``."""
    app = App(analytics_reporting=False, context=_feature_flags(), outdir=str(outdir) if outdir else None)
    stage = stage_named(stage_name or app.node.try_get_context("stage"))
    data = Data(app, stage)
    Detection(app, data, Gateway(app, data))
    Response(app, data)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def _feature_flags() -> dict[str, Any]:
    """The flags of cdk.json, which otherwise only the `cdk` command line would pass on."""
    flags: dict[str, Any] = json.loads((PROJECT / "cdk.json").read_text())["context"]
    return flags
