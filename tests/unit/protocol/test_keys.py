"""Key ids and secrets beyond the vectors: every typing error is found, nothing is repeated in a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.protocol import base62, keys

ENTROPY = bytes(range(20))
KEY_ID = keys.new_key_id("test", "0", ENTROPY)
SECRET = keys.secret_from_mac("test", bytes(32))
STAGES = st.from_regex(r"[a-z]{1,12}", fullmatch=True)


@given(STAGES, st.sampled_from(base62.ALPHABET), st.binary(min_size=20, max_size=64))
def test_every_new_key_id_parses_to_its_parts(stage: str, generation: str, entropy: bytes) -> None:
    key_id = keys.parse_key_id(keys.new_key_id(stage, generation, entropy))

    assert (key_id.stage, key_id.generation, len(key_id.body)) == (stage, generation, 22)
    assert key_id.body[0] == generation


@given(STAGES, st.binary(min_size=32, max_size=32))
def test_every_derived_secret_parses(stage: str, mac: bytes) -> None:
    assert keys.parse_secret(keys.secret_from_mac(stage, mac)) == stage


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_different_macs_give_different_secrets(one: bytes, other: bytes) -> None:
    same = keys.secret_from_mac("test", one) == keys.secret_from_mac("test", other)
    assert same == (one == other)


@given(st.integers(8, len(KEY_ID) - 1), st.sampled_from(base62.ALPHABET))
def test_any_one_wrong_character_is_a_checksum_error(position: int, character: str) -> None:
    typed = KEY_ID[:position] + character + KEY_ID[position + 1 :]

    if typed == KEY_ID:
        assert keys.parse_key_id(typed).text == KEY_ID
    else:
        with pytest.raises(keys.MalformedKey, match="checksum"):
            keys.parse_key_id(typed)


@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused_as_malformed(text: str) -> None:
    with pytest.raises(keys.MalformedKey) as refused:
        keys.parse_key_id(text)
    assert len(text) < 8 or text not in str(refused.value)


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(keys.MalformedKey) as refused:
        keys.parse_secret(SECRET[:-1] + "!")
    assert SECRET[8:40] not in str(refused.value)
    assert refused.value.__context__ is None


def test_a_key_id_needs_its_entropy() -> None:
    with pytest.raises(ValueError, match="20 bytes of randomness"):
        keys.new_key_id("test", "0", ENTROPY[:-1])


@pytest.mark.parametrize("generation", ["", "00", "-", "é"])
def test_a_generation_is_one_digit(generation: str) -> None:
    with pytest.raises(ValueError, match="one base62 digit"):
        keys.new_key_id("test", generation, ENTROPY)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_mac_is_32_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="the MAC is 32 bytes"):
        keys.secret_from_mac("test", bytes(size))


def test_the_derivation_names_its_use_before_the_key_id() -> None:
    assert keys.mac_message(KEY_ID) == b"portcullis/agent-secret/v1\n" + KEY_ID.encode()
