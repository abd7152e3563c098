"""Exports: what they prove, whatever the log and the range, and that every way to tamper with one is refused."""

import json
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portcullis.protocol import audit_entries
from portcullis.protocol.authentic_log import AuthenticLog
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_errors import MalformedLog
from portcullis.protocol.log_export import ENTRIES, PROOF, SUMMARY, Asked, MalformedExport, moved
from portcullis.protocol.merkle import leaf_hash, perfect_nodes
from portcullis.protocol.tile_reading import tile_nodes
from portcullis.protocol.tiles import Edge, grow
from tests.unit.protocol.built_log import NAME, OTHER_PRIVATE, built, entry, verifier_key
from tests.unit.protocol.export_mutations import END, FIRST, GOOD, LOG, MEMBERS, MUTATIONS, Place
from tests.unit.protocol.exported import exported, packed, unpacked, verified

START = datetime(2026, 11, 21, tzinfo=UTC)
DAY = 86_400


def at(seconds: int) -> str:
    """So many seconds after START."""
    return f"{(START + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def entry_at(number: int, seconds: int, agent: str | None) -> bytes:
    """A payment of some time and agent."""
    plain = audit_entries.parse(entry(number))
    return audit_entries.encode(plain._replace(at=at(seconds), agent=agent))


def test_an_export_shows_the_entries_of_the_agent_and_the_hashes_of_the_others() -> None:
    found = verified(GOOD)
    assert (found.proof.first, found.proof.end, found.proof.size) == (FIRST, END, LOG.size)
    expected = []
    for index in range(FIRST, END):
        hidden = b'{"withheld":"' + leaf_hash(entry(index)).hex().encode() + b'"}'
        expected.append(entry(index) if index % 7 == 3 else hidden)
    assert MEMBERS[ENTRIES] == b"".join(line + b"\n" for line in expected)
    assert (found.tally.disclosed, found.tally.withheld) == (34, 206)
    assert b"withheld    206" in MEMBERS[SUMMARY]


def test_the_same_export_has_the_same_bytes() -> None:
    assert packed(list(MEMBERS.items()))[:30] == GOOD[:30]
    assert exported(LOG) == exported(LOG)


@pytest.mark.parametrize(("data", "place"), MUTATIONS.values(), ids=MUTATIONS)
def test_tampering_is_refused_and_located(data: bytes, place: Place) -> None:
    with pytest.raises(MalformedExport) as refused:
        verified(data)
    assert (refused.value.member, refused.value.entry) == place, refused.value


def test_another_key_is_refused() -> None:
    with pytest.raises(MalformedExport, match="not the key that it is verified with"):
        verified(GOOD, key=verifier_key(OTHER_PRIVATE))


def test_a_range_that_is_larger_than_what_was_asked_for_is_refused() -> None:
    members = unpacked(exported(LOG))
    narrower = json.loads(members[PROOF]) | {"since": "2026-11-21T06:00:01.000Z"}
    members[PROOF] = json.dumps(narrower, indent=1).encode() + b"\n"
    with pytest.raises(MalformedExport, match="outside of the time") as refused:
        verified(packed(list(members.items())))
    assert refused.value.entry == 0


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_changes_nothing_that_is_shown(place: int, bit: int) -> None:
    changed = bytearray(GOOD)
    changed[place] ^= 1 << bit
    assert_refused_or_the_same(bytes(changed))


@given(st.binary(max_size=300), st.integers(0, len(GOOD)), st.integers(0, 300))
def test_bytes_put_in_or_taken_out_are_refused_or_change_nothing_that_is_shown(
    noise: bytes, place: int, removed: int
) -> None:
    assert_refused_or_the_same(GOOD[:place] + noise + GOOD[place + removed :])


def assert_refused_or_the_same(data: bytes) -> None:
    """Of an archive's headers some members, such as the version that wrote it, say nothing of what is in it."""
    try:
        found = verified(data)
    except MalformedExport:
        return
    assert found == verified(GOOD)
    assert unpacked(data) == MEMBERS


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 3000), min_size=1, max_size=40),
    st.integers(1, 15),
    st.lists(st.sampled_from(["ag_1", "ag_2", None]), min_size=1, max_size=7),
    st.lists(st.integers(0, DAY - 1), min_size=1, max_size=11),
    st.tuples(st.integers(-DAY, 4 * DAY), st.integers(1, 4 * DAY)),
)
def test_any_time_of_any_log_gives_the_smallest_range_and_verifies(
    steps: list[int], repeat: int, agents: list[str | None], late: list[int], time: tuple[int, int]
) -> None:
    """Entries over several days, each up to a day late; of one agent, if the first of ``agents`` is one."""
    committed = list(accumulate(steps * repeat))
    times = [now - late[number % len(late)] for number, now in enumerate(committed)]
    data = [entry_at(number, each, agents[number % len(agents)]) for number, each in enumerate(times)]
    since, until = time[0], sum(time)
    wanted = [index for index, each in enumerate(times) if since <= each < until]

    archive = exported(built([data]), Asked(at(since), at(until), agents[0]))
    first, end = (range_ := verified(archive).proof).first, range_.end
    middle = (first + end) // 2
    found = verified(archive, first, middle, end, len(data))

    assert (first, end) == (wanted[0], wanted[-1] + 1) if wanted else first == end
    shown = [index for index in range(first, end) if agents[0] in (None, agents[index % len(agents)])]
    assert found.tally.disclosed == len(shown)
    assert found.roots == {size: grow(Edge(), data[:size]).edge.root for size in (first, middle, end, len(data))}


def test_an_entry_with_a_forged_old_time_does_not_hide_those_before_it() -> None:
    entries = [entry_at(number, number * 600, "ag_1") for number in range(700)]
    entries[300] = entry_at(300, -3650 * DAY, "ag_1")
    found = verified(exported(built([entries]), Asked(at(0), at(10 * DAY))))
    assert (found.proof.first, found.proof.end) == (0, 700)


def test_a_time_without_entries_and_an_empty_log_give_an_empty_range() -> None:
    found = verified(exported(LOG, Asked("2020-01-01T00:00:00.000Z", "2020-01-02T00:00:00.000Z")))
    assert found.proof.first == found.proof.end
    assert found.tally.disclosed == 0


@pytest.mark.parametrize(
    "path", ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/88", "tile/0/002.p/88", "tile/1/000.p/2"]
)
def test_a_log_that_was_tampered_with_gives_no_export(path: str) -> None:
    changed = bytearray(LOG.files[path])
    changed[len(changed) // 2] ^= 1
    with pytest.raises(MalformedLog, match=r"^tile/"):
        exported(LOG.with_file(path, bytes(changed)))


@pytest.mark.parametrize("path", ["tile/entries/001", "tile/0/000", "tile/0/002.p/88"])
def test_what_is_missing_of_a_log_is_named(path: str) -> None:
    with pytest.raises(MalformedLog, match=path.replace(".", r"\.")):
        exported(LOG.with_file(path, None), Asked("2026-11-21T06:01:00.000Z", "2026-11-21T06:04:00.000Z"))


def test_an_entry_of_the_log_that_is_none_is_named() -> None:
    with pytest.raises(MalformedLog, match=r"^tile/entries/000: entry 1:"):
        exported(built([[entry(0), b"{}"]]))


def test_nodes_of_every_level_of_tiles_are_those_of_the_tree() -> None:
    growth = grow(Edge(), [b"x" * (index % 9) for index in range(66_000)])
    tree = AuthenticLog(Checkpoint(NAME, growth.edge.size, growth.edge.root), growth.files.get)
    nodes = tile_nodes(growth.edge.size, growth.files.get)
    for low, high in ((0, 65_999), (1, 66_000), (65_537, 66_000)):
        for place in perfect_nodes(low, high):
            assert tree.node(*place) == nodes(*place)


@pytest.mark.parametrize(
    ("instant", "days", "expected"),
    [
        ("2026-03-01T00:00:00.000Z", -1, "2026-02-28T00:00:00.000Z"),
        ("0001-01-01T05:00:00.000Z", -1, "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T05:00:00.000Z", 1, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_margin_ends_where_time_does(instant: str, days: int, expected: str) -> None:
    assert moved(instant, days) == expected
