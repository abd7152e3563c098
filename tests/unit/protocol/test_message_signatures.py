"""The signature base: everything that it covers can be read back from it, so no two requests share one."""

from urllib.parse import parse_qsl

from hypothesis import given, settings
from hypothesis import strategies as st

from portcullis.protocol import message_signatures, signing
from portcullis.protocol.message_signatures import Message
from tests.unit.protocol.test_signing import METHODS, PAIRS, PATHS

FIELDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
HOSTS = st.sampled_from(["api.example.com", "api.example.com:8443", "127.0.0.1:4810", "[::1]:9"])
NAMES = ("@method", "@authority", "@path", "@query", "x-one", "x-two")
COVERED = st.lists(st.sampled_from(NAMES), min_size=1, unique=True)


@settings(max_examples=30)
@given(METHODS, HOSTS, PATHS, PAIRS, FIELDS, FIELDS, COVERED, FIELDS)
def test_what_is_covered_can_be_read_back(
    method: str, host: str, path: str, pairs: list[tuple[str, str]], one: str, two: str, covered: list[str], tag: str
) -> None:
    query = signing.canonical_query(pairs)
    message = Message(method, path, query, {"host": [host], "x-one": [one], "x-two": [two]})
    escaped = tag.replace("\\", "\\\\").replace('"', '\\"')
    listed = " ".join(f'"{name}"' for name in covered)
    given = message_signatures.parse_input(f'sig1=({listed});created=1;tag="{escaped}"')
    *lines, last = message_signatures.signature_base(message, given).split("\n")
    read = dict(line.split(": ", 1) for line in lines)

    values = dict(zip(NAMES, (method, host, path, f"?{query}", one.strip(), two.strip()), strict=True))
    assert read == {f'"{name}"': values[name] for name in covered}
    assert [name.strip('"') for name in read] == covered
    assert sorted(parse_qsl(query, keep_blank_values=True)) == sorted(pairs)
    name, parameters = last.split(": ", 1)
    assert name == '"@signature-params"'
    assert message_signatures.parse_input(f"sig1={parameters}").parameters == {"created": 1, "tag": tag}
