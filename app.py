"""Entry point of `cdk`: `cdk synth -c stage=local`."""

from infra.portcullis_app import portcullis_app
from infra.stages import UnknownStage

try:
    app = portcullis_app()
except UnknownStage as unknown:
    raise SystemExit(f"Portcullis cannot be synthesized: {unknown}") from None
app.synth()
