"""`python -m local demo|game-day|up|down|status|logs`: the local run of Portcullis."""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from local import demo, emulator_process, game_day, ports, run
from local.errors import LocalRunError
from local.home import DEFAULT, Home
from local.progress import say


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when done; 1 with one message when something foreseeable is in the way."""
    parsed = _parser().parse_args(arguments)
    home = Home(parsed.home.resolve())
    commands = {"demo": _demo, "game-day": _game_day, "up": _up, "down": _down, "status": _status, "logs": _logs}
    try:
        return commands[parsed.command](home, parsed)
    except LocalRunError as refused:
        print(f"portcullis: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=["demo", "game-day", "up", "down", "status", "logs"])
    parser.add_argument("--home", type=Path, default=DEFAULT, help="folder of this run (default: .portcullis)")
    parser.add_argument("--port", type=int, help=f"first of three consecutive ports (default: {ports.FIRST})")
    parser.add_argument("--endpoint-port", type=int, help="port of the emulator's endpoint")
    parser.add_argument("--api-port", type=int, help="port of the agent API")
    parser.add_argument("--operator-port", type=int, help="port of the operator API")
    parser.add_argument("--follow", action="store_true", help="logs: go on showing new lines")
    return parser


def _up(home: Home, parsed: argparse.Namespace) -> int:
    started = time.monotonic()
    say(f"bringing Portcullis up in {home.path}")
    chosen = ports.chosen(parsed.port, parsed.endpoint_port, parsed.api_port, parsed.operator_port)
    described = run.up(home, chosen)
    say(f"up after {time.monotonic() - started:.1f} s")
    say(f"  agent API     {described['api_url']}")
    say(f"  operator API  {described['operator_url']}")
    say(f"  AWS endpoint  {described['endpoint_url']}")
    say(f"  keys and ids  {home.local_json}")
    return 0


def _demo(home: Home, parsed: argparse.Namespace) -> int:
    say(f"bringing Portcullis up in {home.path}")
    chosen = ports.chosen(parsed.port, parsed.endpoint_port, parsed.api_port, parsed.operator_port)
    demo.play(run.up(home, chosen), home)
    return 0


def _game_day(home: Home, parsed: argparse.Namespace) -> int:
    say(f"bringing Portcullis up in {home.path}")
    chosen = ports.chosen(parsed.port, parsed.endpoint_port, parsed.api_port, parsed.operator_port)
    game_day.play(run.up(home, chosen), home)
    return 0


def _down(home: Home, _parsed: argparse.Namespace) -> int:
    say(f"stopped, and removed {home.path}" if run.down(home) else "nothing was running")
    return 0


def _status(home: Home, _parsed: argparse.Namespace) -> int:
    running = emulator_process.find(home)
    if running is None:
        say("down; `make up` starts it")
        return 3
    say(f"up: process {running.pid}, files in {home.path}")
    for what, port, _flag in running.ports.named():
        say(f"  {what:<24} http://{ports.HOST}:{port}")
    if not home.local_json.exists():
        say("  not deployed; `make up` completes it")
    return 0


def _logs(home: Home, parsed: argparse.Namespace) -> int:
    files = sorted(path for path in home.logs.rglob("*.log") if path.stat().st_size)
    if not files:
        say(f"no logs in {home.logs}")
        return 0
    follow = ["-F"] if parsed.follow else []
    return subprocess.run(["tail", "-n", "40", *follow, *map(str, files)], check=False).returncode  # noqa: S607


if __name__ == "__main__":
    sys.exit(main())
