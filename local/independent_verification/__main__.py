"""`python -m local.independent_verification FOLDER`, with Go in FOLDER/python and packages in FOLDER/npm."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from infra.toolchain import node_executable
from portcullis.protocol.log_verification import LATEST
from tests.unit.protocol.built_log import Log, built_of
from tests.unit.protocol.log_mutations import PUBLISHED

HERE = Path(__file__).parent
BATCHES = [3, 250, 100, 1_000, 1_647]
ACCEPTED = "accepted"

Verifier = Callable[[str], str]
"""The verdicts on lines of a verifier key, a tab and a folder."""


def main() -> int:
    """Whether every verifier accepts the sound log and refuses every other, as an exit code."""
    installed = Path(sys.argv[1]).resolve()
    sound = built_of(BATCHES)
    logs = {"sound": sound} | {name: change(sound) for name, (change, _) in PUBLISHED.items()}
    print(f"A log of {sound.size} entries, and {len(PUBLISHED)} that were tampered with")
    wrong = 0
    with tempfile.TemporaryDirectory(dir=installed) as folder:
        question = "".join(_written(log, Path(folder) / str(at)) for at, log in enumerate(logs.values()))
        for name, verifier in (
            ("Go sumdb/note + tlog", _go(installed)),
            ("npm @sigstore/verify", _sigstore(installed)),
        ):
            answer = re.sub(rf"{re.escape(folder)}/\d+/", "", verifier(question))
            verdicts = dict(zip(logs, answer.splitlines(), strict=True))
            wrong += _tell(name, verdicts)
    return 1 if wrong else 0


def _written(log: Log, folder: Path) -> str:
    """Write what C2SP specifies of a log, earlier checkpoints apart; the line that asks for a verdict."""
    folder.mkdir()
    for path, data in log.files.items():
        if not path.startswith("seg/"):
            file = folder / path.replace(f"{LATEST}/", "earlier/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
    return f"{log.key.text}\t{folder}\n"


def _go(installed: Path) -> Verifier:
    """The verifier in Go, built with the copy of golang.org/x/mod that Go itself carries for its checksum database."""
    root = installed / "python" / "go"
    module = installed / "gopath" / "src" / "golang.org" / "x" / "mod"
    module.parent.mkdir(parents=True, exist_ok=True)
    if not module.exists():
        module.symlink_to(root / "src" / "cmd" / "vendor" / "golang.org" / "x" / "mod")
    settings = {"GO111MODULE": "off", "GOROOT": root, "GOPATH": installed / "gopath", "GOCACHE": installed / "gocache"}
    program = installed / "verify-go"
    environment = {name: str(value) for name, value in settings.items()} | {"HOME": str(installed), "CGO_ENABLED": "0"}
    build = [str(root / "bin" / "go"), "build", "-o", str(program), str(HERE / "verify.go")]
    subprocess.run(build, env=environment, check=True)
    return lambda question: _ask([str(program)], question)


def _sigstore(installed: Path) -> Verifier:
    return lambda question: _ask(
        [str(node_executable()), str(HERE / "verify.cjs"), str(installed / "npm" / "node_modules")], question
    )


def _ask(command: list[str], question: str) -> str:
    return subprocess.run(command, input=question, capture_output=True, text=True, check=True).stdout


def _tell(name: str, verdicts: dict[str, str]) -> int:
    """Print the verdicts of one verifier; how many of them are wrong."""
    wrong = {log for log, verdict in verdicts.items() if (verdict == ACCEPTED) != (log == "sound")}
    print(f"\n{name}")
    for log, verdict in verdicts.items():
        print(f"  {'WRONG  ' if log in wrong else ''}{log:<32}{verdict}")
    print(
        f"  sound log accepted, {len(verdicts) - 1 - len(wrong)} of {len(verdicts) - 1} refused"
        if not wrong
        else "  failed"
    )
    return len(wrong)


sys.exit(main())
