"""Entry point of `cdk`: `cdk synth -c stage=local`."""

from infra.bundling.wheels import RequirementsNotInstalled
from infra.portcullis_app import portcullis_app
from infra.stages import UnknownStage

try:
    app = portcullis_app()
except (UnknownStage, RequirementsNotInstalled) as reason:
    raise SystemExit(f"Portcullis cannot be synthesized: {reason}") from None
app.synth()
