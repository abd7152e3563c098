"""``portcullis audit``: what the API says of the log is believed as far as it can be verified, and no further."""

import json
import time
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from portcullis.cli import instants, operator
from portcullis.cli.failure import Failure
from portcullis.client.exchange import RetryPolicy
from portcullis.protocol import audit_entries as entries
from portcullis.protocol import checkpoints, merkle, tile_reading
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_verification import LATEST
from tests.unit.cli.gateway import LOCAL, Cli, ok, refused
from tests.unit.protocol.built_log import NAME, OTHER_PRIVATE, Log, built, built_of, entry, verifier_key

SMALL, LARGE = built_of([3]), built_of([3, 4])
FORK = built([[entry(index) for index in (7, 8, 9, 10)]])
KEY = verifier_key().text


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator, "RETRY", RetryPolicy(attempts=1))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def note(log: Log) -> str:
    return log.files[LATEST].decode()


def checkpoint(log: Log | None) -> httpx.Response:
    told = {"verifier_key": KEY, "origin": NAME, "bucket": "audit"}
    return ok({"checkpoint": log and note(log), **told})


def base64s(hashes: list[bytes]) -> list[str]:
    return [b64encode(each).decode() for each in hashes]


def consistency(log: Log, first: int) -> httpx.Response:
    hashes = merkle.consistency_proof(first, log.size, tile_reading.tile_nodes(log.size, log.files.get))
    return ok({"first": first, "second": log.size, "hashes": base64s(hashes)})


def proof(log: Log, index: int, /, **changed: Any) -> dict[str, Any]:
    hashes = merkle.inclusion_proof(index, log.size, tile_reading.tile_nodes(log.size, log.files.get))
    honest = {"index": index, "entry": entry(index).decode(), "hashes": base64s(hashes), "checkpoint": note(log)}
    return honest | changed


def id_of(index: int) -> str:
    return entries.parse_identity(entry(index)).id


def listed(*indexes: int, cursor: str | None = None) -> httpx.Response:
    found = [{"index": index, **json.loads(entry(index))} for index in indexes]
    return ok({"entries": found, "size": 7, "scanned_to": 2, "cursor": cursor})


def test_entries_are_fetched_page_by_page_up_to_the_limit(cli: Cli) -> None:
    cli.answers = [listed(6, 5, cursor="4"), listed(cursor="2"), listed(1, cursor="1")]
    result = cli.run("audit", "query", "--agent", "ag_x", "--type", "t", "--outcome", "o", "--limit", "3")
    assert result.code == 0
    assert [id_of(index) in result.out for index in (6, 5, 1)] == [True] * 3
    assert "down to 2 of 7" in result.err
    asked = [dict(request.url.params) for request in cli.sent]
    filters = {"agent": "ag_x", "type": "t", "outcome": "o"}
    assert asked == [
        {**filters, "limit": "3"},
        {**filters, "limit": "1", "cursor": "4"},
        {**filters, "limit": "1", "cursor": "2"},
    ]


def test_entries_for_programs_are_one_a_line(cli: Cli) -> None:
    cli.answers = [listed(6, 5)]
    lines = cli.run("audit", "query", as_json=True).out.splitlines()
    assert [json.loads(line)["index"] for line in lines] == [6, 5]


def test_how_long_ago_is_counted_from_now() -> None:
    now = datetime(2026, 11, 21, 6, 31, 0, 500_000, tzinfo=UTC)
    assert instants.instant("24h", now) == "2026-11-20T06:31:00.500Z"
    assert instants.instant("7d", now) == "2026-11-14T06:31:00.500Z"
    assert instants.instant("2026-01-01T01:00:00+01:00", now) == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize("text", ["", "yesterday", "24", "2026-01-01T00:00:00", "999999d", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(Failure, match="24h or 7d ago"):
        instants.instant(text, datetime(2026, 11, 21, tzinfo=UTC))


@pytest.mark.parametrize("named", ["1", id_of(1)])
def test_a_proof_is_verified_with_the_key_that_was_given(cli: Cli, named: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    kept = tmp_path / "proof.json"
    cli.answers = [ok({"proof": proof(LARGE, 1), "cursor": None})]
    result = cli.run("audit", "proof", named, "--key", str(tmp_path / "key"), "--output", str(kept))
    assert (result.code, f"proven: entry 1 of 7 in {NAME}" in result.out) == (0, True)
    assert id_of(1) in result.out
    assert json.loads(kept.read_text()) == proof(LARGE, 1)


def test_a_local_run_pins_its_key(cli: Cli) -> None:
    cli.file.write_text(json.dumps({**LOCAL, "audit": {"verifier_key": KEY}}))
    cli.answers = [ok({"proof": proof(LARGE, 1), "cursor": None})]
    result = cli.run("audit", "proof", "1", as_json=True)
    assert (result.code, json.loads(result.out)["proven"]) == (0, True)


def test_a_proof_is_searched_over_several_calls(cli: Cli) -> None:
    at = json.loads(entry(1))["at"]
    cli.answers = [ok({"proof": None, "cursor": "256"}), ok({"proof": proof(LARGE, 1), "cursor": None})]
    assert cli.run("audit", "proof", id_of(1), "--at", at, "--key", KEY).code == 0
    assert dict(cli.sent[1].url.params) == {"event": id_of(1), "at": at, "cursor": "256"}


OTHER_NOTE = checkpoints.sign(
    checkpoints.parse_text(note(LARGE).partition("\n\n")[0] + "\n"), verifier_key(OTHER_PRIVATE), OTHER_PRIVATE.sign
).decode()
LIES: dict[str, dict[str, Any] | None] = {
    "nothing": None,
    "another entry": proof(LARGE, 2),
    "altered": proof(LARGE, 1, entry=entry(1).decode().replace("12.5", "99.5")),
    "another place": proof(LARGE, 1, index=2),
    "fewer hashes": proof(LARGE, 1, hashes=proof(LARGE, 1)["hashes"][1:]),
    "no hashes": proof(LARGE, 1, hashes=None),
    "hashes that are none": proof(LARGE, 1, hashes=["!", 1]),
    "another key's signature": proof(LARGE, 1, checkpoint=OTHER_NOTE),
    "another size": proof(LARGE, 1, checkpoint=note(LARGE).replace("\n7\n", "\n8\n")),
    "no checkpoint": proof(LARGE, 1, checkpoint=None),
    "an index that is none": proof(LARGE, 1, index="1"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_does_not_verify_is_not_proven(cli: Cli, lie: str) -> None:
    cli.answers = [ok({"proof": LIES[lie], "cursor": None})]
    result = cli.run("audit", "proof", id_of(1), "--key", KEY)
    assert (result.code, "not proven" in result.err, result.out) == (1, True, "")


def test_a_namesake_of_another_instant_is_not_proven(cli: Cli) -> None:
    cli.answers = [ok({"proof": proof(LARGE, 1), "cursor": None})]
    assert cli.run("audit", "proof", id_of(1), "--at", "2026-11-21T06:00:02Z", "--key", KEY).code == 1


@pytest.mark.parametrize("command", [["proof", "1"], ["watch", "--once"]])
def test_a_key_that_only_the_api_tells_is_shown_and_not_trusted(cli: Cli, command: list[str]) -> None:
    cli.answers = [checkpoint(LARGE)]
    result = cli.run("audit", *command)
    assert (result.code, KEY in result.err, "--key" in result.err) == (2, True, True)
    assert len(cli.sent) == 1
    assert cli.run("audit", *command, "--key", "nonsense").code == 2


def watch(cli: Cli, state: Path, *answers: httpx.Response | Exception) -> tuple[int, str]:
    cli.answers = [*answers]
    result = cli.run("audit", "watch", "--once", "--state", str(state), "--key", KEY)
    assert cli.answers == []
    return result.code, result.out + result.err


def test_the_first_look_pins_and_the_next_ones_verify_growth(cli: Cli, state: Path) -> None:
    code, said = watch(cli, state, checkpoint(None))
    assert (code, "the log is empty" in said, state.exists()) == (0, True, False)
    code, said = watch(cli, state, checkpoint(SMALL))
    assert (code, "pinned at 3" in said, state.read_text()) == (0, True, note(SMALL))
    code, said = watch(cli, state, checkpoint(LARGE), consistency(LARGE, 3))
    assert (code, "grew from 3 to 7" in said, state.read_text()) == (0, True, note(LARGE))
    code, said = watch(cli, state, checkpoint(LARGE))
    assert (code, "nothing new" in said) == (0, True)


def forged(size: int) -> str:
    """A checkpoint of the right name by another key."""
    made = Checkpoint(NAME, size, bytes(32))
    return checkpoints.sign(made, verifier_key(OTHER_PRIVATE), OTHER_PRIVATE.sign).decode()


def same_size() -> httpx.Response:
    """A checkpoint of 7 other entries, signed by the log's own key."""
    return checkpoint(built([[entry(index) for index in range(1, 8)]]))


WRONG: dict[str, tuple[str, list[httpx.Response]]] = {
    "a fork that grew": (note(SMALL), [checkpoint(FORK), consistency(FORK, 3)]),
    "a fork of the same size": (note(LARGE), [same_size()]),
    "a smaller log": (note(LARGE), [checkpoint(SMALL)]),
    "an emptied log": (note(SMALL), [checkpoint(None)]),
    "another key's signature": (note(SMALL), [ok({"checkpoint": forged(9)})]),
    "no note": (note(SMALL), [ok({"checkpoint": "x"})]),
    "a forged state": (forged(3), [checkpoint(LARGE)]),
    "a broken state": ("\x00", [checkpoint(LARGE)]),
    "no proof": (note(SMALL), [checkpoint(LARGE), ok({})]),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_log_that_does_not_only_grow_is_1_with_evidence(cli: Cli, state: Path, what: str) -> None:
    kept, answers = WRONG[what]
    state.write_text(kept)
    seen = json.loads(answers[0].content)
    code, said = watch(cli, state, *answers)
    (evidence,) = (path for path in state.parent.iterdir() if "evidence" in path.name)
    assert (code, evidence.name in said.replace("\n", "")) == (1, True)
    found = json.loads(evidence.read_text())
    assert (found["kept"], found["seen"], state.read_text()) == (kept, seen, kept)


def test_no_answer_is_3_and_keeps_the_state(cli: Cli, state: Path) -> None:
    state.write_text(note(SMALL))
    assert watch(cli, state, httpx.ConnectError("refused"))[0] == 3
    assert state.read_text() == note(SMALL)


def test_a_refusal_says_nothing_of_the_log(cli: Cli, state: Path) -> None:
    assert watch(cli, state, refused("forbidden"))[0] == 2


def test_a_watch_goes_on_over_outages_until_something_is_wrong(
    cli: Cli, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    cli.answers = [
        checkpoint(SMALL),
        httpx.ConnectError("refused"),
        checkpoint(SMALL),
        checkpoint(LARGE),
        consistency(LARGE, 3),
        checkpoint(SMALL),
    ]
    result = cli.run("audit", "watch", "--interval", "7", "--state", str(state), "--key", KEY)
    assert (result.code, waits) == (1, [7] * 4)
    assert [line.partition(" ")[2] for line in result.out.splitlines()] == [
        "pinned at 3 entries",
        "grew from 3 to 7 entries, consistently",
    ]
    assert "trying again in 7 s" in result.err


def test_a_state_that_cannot_be_written_is_usage(cli: Cli, tmp_path: Path) -> None:
    assert watch(cli, tmp_path / "no" / "kept", checkpoint(SMALL))[0] == 2
    assert not (tmp_path / "no").exists()
