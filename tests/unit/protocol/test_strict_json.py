"""JSON as the gateway accepts it: one meaning for one text, and no way to make the parser fail otherwise."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.protocol.strict_json import (
    MAX_DEPTH,
    MAX_FIELD_LENGTH,
    MalformedInput,
    check_content_type,
    decode,
    parse_object,
)

SCALARS = st.none() | st.booleans() | st.integers(-(10**17) + 1, 10**18 - 1) | st.text(max_size=10)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
OBJECTS = st.dictionaries(st.text(max_size=5), VALUES, max_size=4)


@given(OBJECTS)
def test_an_object_is_read_as_written(value: dict[str, object]) -> None:
    assert parse_object(json.dumps(value)) == value
    assert parse_object(json.dumps(value, ensure_ascii=False, indent=1)) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":1,"\\u0061":2}',
        '{"a":{"b":1,"b":2}}',
        '{"a":[[{"b":{"c":1,"d":2,"c":3}}]]}',
        '{"":1,"":2}',
    ],
)
def test_a_name_twice_at_any_depth_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput, match="body: a member name appears twice"):
        parse_object(text)


def test_the_same_name_in_two_objects_is_no_duplicate() -> None:
    assert parse_object('{"a":{"a":1},"b":[{"a":2},{"a":3}]}')["b"] == [{"a": 2}, {"a": 3}]


@pytest.mark.parametrize("number", ["1.0", "1e3", "1E-3", "-0.0", "1.5", "NaN", "Infinity", "-Infinity", "1e999"])
def test_fractions_exponents_and_what_is_no_number_are_refused(number: str) -> None:
    for text in (f'{{"a":{number}}}', f'{{"a":[{{"b":{number}}}]}}'):
        with pytest.raises(MalformedInput, match="fraction or exponent are refused; write amounts as strings"):
            parse_object(text)


def test_an_integer_has_at_most_18_digits() -> None:
    assert parse_object('{"a":999999999999999999}') == {"a": 10**18 - 1}


@pytest.mark.parametrize("digits", ["1" * 19, "-" + "1" * 18, "9" * 5000])
def test_a_huge_integer_is_refused_before_it_is_computed(digits: str) -> None:
    with pytest.raises(MalformedInput, match="too many digits"):
        parse_object(f'{{"a":{digits}}}')


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "{",
        '{"a"}',
        "{'a':1}",
        '{"a":1,}',
        '{"a":1} x',
        '{"a":01}',
        '{"a":+1}',
        '{"a":"\n"}',
        '{"a":"\\x"}',
        "\ufeff{}",
    ],
)
def test_what_is_not_json_is_refused_with_the_place(text: str) -> None:
    with pytest.raises(MalformedInput, match=r"body: not JSON: .* at character \d+") as refused:
        parse_object(text)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("text", ["[]", "[{}]", '"a"', "1", "null", "true"])
def test_what_is_not_an_object_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput, match="body: expected a JSON object"):
        parse_object(text)


def test_an_empty_body_is_named() -> None:
    with pytest.raises(MalformedInput, match="body: empty; send a JSON object"):
        parse_object("")


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize(
    "text",
    [
        nested(100_000),
        "[" * 100_000,
        '{"a":"' + "]" * 5000 + '","b":' + "[" * 5000 + "]" * 5000 + "}",
        '{"a":"]","b":' * 5000 + "1" + "}" * 5000,
        '{"a":"\\"]","b":' * 5000 + "1" + "}" * 5000,
    ],
    ids=["objects", "lists", "brackets in a string", "one in each string", "after an escaped quote"],
)
def test_the_parser_never_recurses_to_a_crash(text: str) -> None:
    with pytest.raises(MalformedInput, match="nested too deeply"):
        parse_object(text)


def test_the_depth_is_exact() -> None:
    assert parse_object(nested(MAX_DEPTH))
    for text in (nested(MAX_DEPTH + 1), f'{{"a":{"[" * MAX_DEPTH}{"]" * MAX_DEPTH}}}'):
        with pytest.raises(MalformedInput, match=f"nested too deeply; at most {MAX_DEPTH} levels"):
            parse_object(text)


def test_many_brackets_side_by_side_are_no_depth() -> None:
    assert len(parse_object(f'{{"a":[{",".join(["{}"] * 1000)}]}}')["a"]) == 1000


@pytest.mark.parametrize("string", ["[[[[" * 20, "{" * 100, '\\"' + "[" * 100, "\\\\" + "[" * 100])
def test_brackets_in_a_string_are_no_depth(string: str) -> None:
    assert parse_object(f'{{"a":"{string}"}}')["a"] == json.loads(f'"{string}"')


def test_an_unterminated_string_is_read_in_linear_time() -> None:
    with pytest.raises(MalformedInput, match="not JSON: Unterminated string"):
        parse_object('{"a":"' + '\\"' * 200_000)


@given(st.text(alphabet='{}[]",:\\ a1', max_size=40))
def test_any_text_is_an_object_or_refused(text: str) -> None:
    try:
        value = parse_object(text)
    except MalformedInput as refused:
        assert refused.field == "body"  # noqa: PT017 either outcome is right, if it is one of the two
    else:
        assert json.loads(text) == value


@pytest.mark.parametrize("text", ['{"a":"\\ud800"}', '{"\\uDFFF":1}', '{"a":[{"b":["\\udc00\\ud800"]}]}'])
def test_a_lone_surrogate_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput, match="body: a lone surrogate is no character"):
        parse_object(text)


def test_both_halves_are_a_character() -> None:
    assert parse_object('{"a":"\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.parametrize("body", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", "{}".encode("utf-16")])
def test_what_is_not_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedInput, match="body: not UTF-8"):
        decode(body)


JSON_TYPES = [
    "application/json",
    "Application/JSON",
    "application/json;charset=utf-8",
    "application/json; charset=UTF-8",
    " application/json ; \tCHARSET=utf-8 ",
]
OTHER_TYPES = [
    "",
    "text/plain",
    "text/json",
    "application/jsonp",
    "application/json, text/plain",
    "application/json;charset=utf-16",
    "application/json;charset=",
    "application/json;",
    "application/json;charset=utf-8;charset=utf-16",
    "application/json; boundary=a",
    "application/problem+json",
    "application/json\n",
    "application/j\u017fon",
    "application/x-www-form-urlencoded",
]


@pytest.mark.parametrize("value", JSON_TYPES)
def test_a_body_that_says_json_may_be_read(value: str) -> None:
    check_content_type([value], b"{}")
    with pytest.raises(MalformedInput, match="Content-Type: send it once"):
        check_content_type([value, value], b"{}")


@pytest.mark.parametrize("value", OTHER_TYPES)
def test_a_body_that_says_anything_else_is_refused(value: str) -> None:
    with pytest.raises(MalformedInput, match="Content-Type: send application/json") as refused:
        check_content_type([value], b"{}")
    assert refused.value.field == "Content-Type"


def test_a_body_that_says_nothing_is_refused_and_no_body_need_not() -> None:
    check_content_type([], b"")
    with pytest.raises(MalformedInput, match="Content-Type: send application/json"):
        check_content_type([], b"{}")


def test_a_name_is_shown_short_and_printable() -> None:
    shown = MalformedInput("\u202eab\n" + "x" * 200, "why")
    assert shown.field == "?ab?" + "x" * (MAX_FIELD_LENGTH - 4)
    assert str(shown) == f"{shown.field}: why"
