"""Deploys the template of stage `local`, exactly as it is synthesized, to the emulator."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from local import fingerprint
from local.aws import REGION, stack_outputs
from local.emulator_process import RunningEmulator
from local.errors import LocalRunError
from local.home import ROOT, Home
from local.progress import say, step
from local.toolchain import cdk, environment, run

STAGE = "local"
ACCOUNT = "000000000000"
STACKS = tuple(f"portcullis-{STAGE}-{part}" for part in ("data", "gateway", "detection", "response"))
BOOTSTRAP = "CDKToolkit"


def deploy(home: Home, emulator: RunningEmulator) -> dict[str, str]:
    """Bring the emulator to what the sources say; the outputs of all stacks."""
    wanted = fingerprint.sources()
    outputs = stack_outputs(emulator.endpoint_url, STACKS)
    if outputs is not None and _deployed(home) == wanted:
        say("  deployed already, and no source has changed")
        return outputs
    environ = environment(home, emulator.endpoint_url)
    with ThreadPoolExecutor(2) as together:
        steps = (together.submit(_bootstrap, home, emulator, environ), together.submit(_synthesize, home, environ))
    for finished in steps:
        finished.result()
    with step("deploy the stacks"):
        run("cdk deploy", _deploy_command(home), environ, home.path, home.deploy_log)
    outputs = stack_outputs(emulator.endpoint_url, STACKS)
    if outputs is None:
        raise LocalRunError(f"cdk deploy left a stack incomplete; see {home.deploy_log}")
    home.deployed_file.write_text(json.dumps({"sources": wanted}))
    return outputs


def _deployed(home: Home) -> str | None:
    try:
        return str(json.loads(home.deployed_file.read_text())["sources"])
    except FileNotFoundError:
        return None


def _bootstrap(home: Home, emulator: RunningEmulator, environ: dict[str, str]) -> None:
    if stack_outputs(emulator.endpoint_url, (BOOTSTRAP,)) is not None:
        return
    with step("bootstrap the account"):
        command = cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}")
        run("cdk bootstrap", command, environ, home.path, home.logs / "bootstrap.log")


def _synthesize(home: Home, environ: dict[str, str]) -> None:
    context = {"stage": STAGE}
    outdir = {"CDK_OUTDIR": str(home.cloud_assembly), "CDK_CONTEXT_JSON": json.dumps(context)}
    with step("bundle the functions and synthesize the template"):
        run("synthesis", [sys.executable, "app.py"], {**environ, **outdir}, ROOT, home.logs / "synth.log")


def _deploy_command(home: Home) -> list[str]:
    return cdk(
        "deploy",
        "--all",
        "--app",
        str(home.cloud_assembly),
        "--require-approval",
        "never",
        "--method",
        "direct",
        "--concurrency",
        "2",
        "--progress",
        "events",
    )
