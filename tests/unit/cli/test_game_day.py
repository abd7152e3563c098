"""A drill is refused where it must not be, and its people's file is read with care."""

import json
from base64 import b32encode
from pathlib import Path
from typing import Any

import pytest

from portcullis.cli import responders
from portcullis.cli.failure import Failure
from portcullis.cli.game_day import refuse_live
from portcullis.protocol import totp

SECRET = bytes(range(20))


def entry(letter: str, **changes: Any) -> dict[str, Any]:
    named = {"approver_id": "ap_" + letter * 22, "totp_secret": b32encode(SECRET).decode().rstrip("=")}
    return {**named, "access_key_id": "AKIA", "secret_access_key": "very-secret", **changes}


def written(folder: Path, value: Any, mode: int = 0o600) -> Path:
    path = folder / "responders.json"
    path.touch(mode=mode)
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_two_people_are_read(tmp_path: Path) -> None:
    first, second = responders.load(written(tmp_path, [entry("a"), entry("b", last_step=7)]))
    assert (first.approver_id[3], second.approver_id[3]) == ("a", "b")
    assert (first.secret, second.last_step) == (SECRET, 7)
    assert "very-secret" not in repr(first)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "{}",
        [],
        [entry("a")],
        [entry("a"), entry("b"), entry("c")],
        [entry("a"), {}],
        [entry("a"), entry("b", totp_secret="1")],
        [entry("a"), entry("a")],
    ],
)
def test_what_is_not_two_people_is_refused_and_not_repeated(tmp_path: Path, value: Any) -> None:
    with pytest.raises(Failure) as failure:
        responders.load(written(tmp_path, value))
    assert "--responders" in str(failure.value)
    assert "very-secret" not in str(failure.value)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="chmod 600"):
        responders.load(written(tmp_path, [entry("a"), entry("b")], 0o644))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="cannot be read"):
        responders.load(tmp_path / "none.json")


def test_no_code_is_given_twice(tmp_path: Path) -> None:
    person, _ = responders.load(written(tmp_path, [entry("a"), entry("b")]))
    clock = [1_000_000.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    steps = []
    for _ in range(4):
        code = person.code(lambda: clock[0], sleep)
        assert totp.matched_step(SECRET, code, int(clock[0])) == person.last_step
        assert person.last_step is not None
        steps.append(person.last_step)
    assert steps == sorted(set(steps))


def test_live_is_refused_and_no_other_stage() -> None:
    for stage in ("test", "local", ""):
        refuse_live(stage)
    with pytest.raises(Failure, match="live"):
        refuse_live("live")
