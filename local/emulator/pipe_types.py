"""The parts of a pipe's definition that decide what it delivers.

Symptom mended: source, enrichment and target parameters of the template are dropped when a pipe is deployed.
"""

from typing import Any

from local.emulator.hooks import after_deploy, module

KEPT = ("SourceParameters", "Enrichment", "EnrichmentParameters", "TargetParameters")


def mend() -> None:
    after_deploy("AWS::Pipes::Pipe", _keep)


def _keep(name: str, _attributes: dict[str, Any], properties: dict[str, Any]) -> None:
    pipe = module("services.pipes")._pipes[name]
    pipe.update({part: properties.get(part) for part in KEPT})
