"""Chain-aware addresses, pinned by the vectors of EIP-55, BIP-173, BIP-350, Keccak and known accounts."""

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain.addresses import (
    CHAINS,
    MAX_ADDRESS_LENGTH,
    InvalidAddress,
    account_ref,
    base58,
    bech32,
    canonical,
    evm_checksum,
    keccak,
    parse_ref,
)

EVM_CHAINS = ("ethereum", "base", "arbitrum", "optimism", "polygon", "avalanche")

# EIP-55, "Test Cases": all upper, all lower, mixed.
EIP55_UPPER = ("0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D")
EIP55_LOWER = ("0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26")
EIP55_MIXED = (
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)

SOLANA = (
    "11111111111111111111111111111111",  # system program
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",  # token program
    "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",  # associated token program
    "So11111111111111111111111111111111111111112",  # wrapped SOL
    "Vote111111111111111111111111111111111111111",  # vote program
)

# The genesis block's, then Bitcoin Core's key_io_valid.json: version and hash.
BASE58CHECK = {
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa": "0062e907b15cbf27d5425399ebf6f0fb50ebb88f18",
    "1FsSia9rv4NeEwvJ2GvXrX7LyxYspbN2mo": "00a31c06bd463e3923bc1aadbde48b16976c080717",
    "1FjL87pn8ky6Vbavd1ZHeChRXtoxwRGCRd": "00a19331b7b2627e663e25a7b001e4c0dcc5e21bc7",
    "36j4NfKv6Akva9amjWrLG6MuSQym1GuEmm": "05373b819a068f32b7a6b38b6b38729647cfde01c2",
    "3BZECeAH8gSKkjrTx8PwMrNQBLG18yHpvf": "056c382dcdf5b284760c8e3fead91f7422cd76aa87",
}
NOT_BASE58CHECK = {
    "testnet P2PKH": "mzK2FFDEhxqHcmrJw1ysqFkVyhUULo45hZ",
    "testnet P2SH": "2NC2hEhe28ULKAJkW5MjZ3jtTMJdvXmByvK",
    "private key": "5JuW2AMDYu4xVwRG9DZW18VbzQrGcd5RCgb99sS6ehJsNQXu5b9",
    "compressed private key": "L5nJeqKmpHp4P7F8ZYyjwc5a7P4d8EabuGAzfGJk7yC1BJyzNaEd",
    "another chain": "AZEah8d1EK362okRBS66e8SvdtYkrE8tsX",
    "long payload": "39TKsUQ5QpEL1wowc6GMUqak94ijirPuP69ooV3xsFmiKQX2dau",
    "too long": "1GAdfviErV2Ew95FPtZyikz2qGP3gyCB6Hyu94sedAkPpA523m3fQwps9YKUZkKgQckGPKhRsFR",
    "wrong checksum": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
    "one zero byte too many": "11A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "one zero byte missing": "A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "not in the alphabet": "1A1zP1eP5QGefi2DMPTfTL5SLmv7Div0Na",
}

# BIP-350, "Test vectors for v0-v16 native segregated witness addresses", and Bitcoin Core: version and program.
SEGWIT = {
    "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4": (0, "751e76e8199196d454941c45d1b3a323f1433bd6"),
    "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3": (
        0,
        "1863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
    ),
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y": (
        1,
        "751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
    ),
    "BC1SW50QGDZ25J": (16, "751e"),
    "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs": (2, "751e76e8199196d454941c45d1b3a323"),
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0": (
        1,
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    ),
    "bc1qvyq0cc6rahyvsazfdje0twl7ez82ndmuac2lhv": (0, "6100fc6343edc8c874496cb2f5bbfec88ea9b77c"),
    "bc1z2rksukkjr8": (2, "50ed"),
}
NOT_SEGWIT = (
    # BIP-173, invalid addresses
    "tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
    "BC13W508D6QEJXTDG4Y5R3ZARVARY0C5XW7KN40WF2",
    "bc1rw5uspcuh",
    "bc10w508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kw5rljs90",
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sL5k7",
    "bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du",
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3pjxtptv",
    "bc1gmk9yu",
    # BIP-173, valid until BIP-350 gave versions 1 to 16 another checksum
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7k7grplx",
    "BC1SW50QA3JX3S",
    "bc1zw508d6qejxtdg4y5r3zarvaryvg6kdaj",
    # BIP-350, invalid addresses
    "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
    "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
    "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
    "bc1pw5dgrnzv",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",
    # BIP-173 and BIP-350, valid on testnet; Bitcoin Core, on regtest
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
    "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
    "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
    "bcrt1qdavt4j2sd7dlhqsavtnfxvzppw6k7qy97tmnu9",
    # mixed case, and no more than the prefix
    "bc1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
    "Bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "bc1",
    "bc1q",
    "bc1qqqqqq",
)

evm_digits = st.text("0123456789abcdef", min_size=40, max_size=40)
VALID = (
    *(("base", address) for address in (*EIP55_UPPER, *EIP55_LOWER, *EIP55_MIXED)),
    *(("solana", address) for address in SOLANA),
    *(("bitcoin", address) for address in (*BASE58CHECK, *SEGWIT)),
)


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (
            b"The quick brown fox jumps over the lazy dog",
            "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15",
        ),
    ],
)
def test_keccak_256_of_published_messages(message: bytes, digest: str) -> None:
    assert keccak.keccak_256(message).hex() == digest


@pytest.mark.parametrize("length", [0, 1, 40, 134, 135, 136, 137, 271, 272, 273])
def test_the_sponge_is_sha3_256_but_for_the_suffix_at_every_edge_of_a_block(length: int) -> None:
    message = bytes(index % 251 for index in range(length))
    assert keccak._sponge(message, 0x06) == hashlib.sha3_256(message).digest()


@given(st.binary(max_size=300))
def test_the_sponge_is_sha3_256_but_for_the_suffix(message: bytes) -> None:
    assert keccak._sponge(message, 0x06) == hashlib.sha3_256(message).digest()


@pytest.mark.parametrize("chain", EVM_CHAINS)
@pytest.mark.parametrize("address", [*EIP55_UPPER, *EIP55_LOWER, *EIP55_MIXED])
def test_evm_canonical_is_lower_case_on_every_evm_chain(chain: str, address: str) -> None:
    assert canonical(chain, address) == address.lower()
    assert canonical(chain, f"0x{address[2:].upper()}") == address.lower()


@pytest.mark.parametrize("address", [*EIP55_UPPER, *EIP55_LOWER, *EIP55_MIXED])
def test_evm_checksum_of_eip_55(address: str) -> None:
    assert evm_checksum(address.lower()) == address
    assert evm_checksum(address) == address


def test_evm_checksum_refuses_to_correct_a_wrong_one() -> None:
    with pytest.raises(InvalidAddress, match="EIP-55"):
        evm_checksum("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")


@pytest.mark.parametrize("address", EIP55_MIXED)
def test_any_other_character_in_a_checksummed_address_is_refused(address: str) -> None:
    """Exhaustive over the published addresses: no change of one character of theirs meets a right checksum."""
    changed = [
        address[:position] + character + address[position + 1 :]
        for position in range(len(address))
        for character in string.printable
        if character != address[position]
    ]
    refused = [text for text in changed if _refused("ethereum", text)]
    assert refused == changed


@given(evm_digits, st.data())
def test_a_letter_in_the_other_case_is_refused_unless_all_are_of_one_case(digits: str, data: st.DataObject) -> None:
    """Exact, whatever the address: its checksum is a function of its lower case, which stays the same."""
    checksummed = evm_checksum(f"0x{digits}")
    position = data.draw(st.integers(2, 41))
    flipped = checksummed[:position] + checksummed[position].swapcase() + checksummed[position + 1 :]
    one_case = flipped[2:] in (digits, digits.upper())
    assert _refused("polygon", flipped) == (flipped != checksummed and not one_case)


@given(evm_digits)
def test_every_spelling_of_an_evm_address_is_one_account(digits: str) -> None:
    spellings = (f"0x{digits}", f"0x{digits.upper()}", evm_checksum(f"0x{digits}"))
    assert {canonical("base", spelling) for spelling in spellings} == {f"0x{digits}"}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "0x",
        "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed0",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed\n",
        " 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1bea\uff11\uff11",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    ],
)
def test_not_an_evm_address(address: str) -> None:
    with pytest.raises(InvalidAddress, match="expected"):
        canonical("base", address)


@pytest.mark.parametrize("address", SOLANA)
def test_solana_is_canonical_as_it_is(address: str) -> None:
    assert canonical("solana", address) == address


@given(st.binary(min_size=32, max_size=32))
def test_every_solana_key_has_one_address(key: bytes) -> None:
    address = _base58(key)
    assert base58.decode(canonical("solana", address), 32) == key
    assert _refused("solana", "1" + address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "1" * 31,
        "1" * 33,
        "z" * 44,
        "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5D",
        "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DAA",
        "0okenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
        "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA ",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
    ],
)
def test_not_a_solana_address(address: str) -> None:
    with pytest.raises(InvalidAddress, match="32 bytes"):
        canonical("solana", address)


@pytest.mark.parametrize(("address", "payload"), BASE58CHECK.items())
def test_bitcoin_base58check_is_canonical_as_it_is(address: str, payload: str) -> None:
    assert canonical("bitcoin", address) == address
    assert base58.decode_check(address, 21).hex() == payload


@pytest.mark.parametrize("address", NOT_BASE58CHECK.values(), ids=NOT_BASE58CHECK.keys())
def test_not_a_bitcoin_base58check_address(address: str) -> None:
    with pytest.raises(InvalidAddress, match="Bitcoin mainnet"):
        canonical("bitcoin", address)


@pytest.mark.parametrize("version", [0x01, 0x04, 0x06, 0x1E, 0x30, 0x6F, 0x80, 0xC4])
def test_a_right_checksum_does_not_save_another_version(version: int) -> None:
    payload = bytes([version]) + bytes(range(20))
    checksum = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    address = _base58(payload + checksum)
    assert base58.decode_check(address, 21) == payload
    assert _refused("bitcoin", address)


@pytest.mark.parametrize(("address", "decoded"), SEGWIT.items())
def test_bitcoin_segwit_is_canonical_in_lower_case(address: str, decoded: tuple[int, str]) -> None:
    version, program = bech32.decode_segwit(address)
    assert (version, program.hex()) == decoded
    assert canonical("bitcoin", address.upper()) == canonical("bitcoin", address.lower()) == address.lower()


@pytest.mark.parametrize("address", NOT_SEGWIT)
def test_not_a_bitcoin_segwit_address(address: str) -> None:
    with pytest.raises(InvalidAddress, match="Bitcoin mainnet"):
        canonical("bitcoin", address)


@given(st.sampled_from(sorted(SEGWIT)), st.data())
def test_up_to_four_wrong_digits_of_a_segwit_address_are_detected(address: str, data: st.DataObject) -> None:
    """What BIP-173 guarantees of the code. The version stays: it chooses the constant."""
    digits = list(address.lower())
    for position in data.draw(st.sets(st.integers(4, len(digits) - 1), min_size=1, max_size=4)):
        digits[position] = data.draw(st.sampled_from(bech32.CHARSET.replace(digits[position], "")))
    assert _refused("bitcoin", "".join(digits))


@pytest.mark.parametrize("padding", range(16))
def test_padding_is_zero_even_under_a_right_checksum(padding: int) -> None:
    """A program of 32 bytes leaves four bits of its last digit."""
    address = _bech32m([1, *[0] * 51, padding])
    assert _refused("bitcoin", address) == (padding != 0)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("bc1" + "q" * 88, "too long"),
        ("w508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "not of mainnet"),
        ("qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "not of mainnet"),
    ],
)
def test_segwit_is_bounded_and_needs_its_prefix(address: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        bech32.decode_segwit(address)


def test_base58_is_bounded_before_its_arithmetic() -> None:
    with pytest.raises(ValueError, match="too many digits"):
        base58.decode("z" * 1_000_000, 32)


@pytest.mark.parametrize(("chain", "address"), VALID)
def test_canonical_is_idempotent_and_a_reference_names_the_same_account(chain: str, address: str) -> None:
    once = canonical(chain, address)
    assert canonical(chain, once) == once
    assert parse_ref(f"{chain}:{address}") == account_ref(chain, address) == f"{chain}:{once}"
    assert parse_ref(f"{chain}:{once}") == f"{chain}:{once}"


@given(
    st.sampled_from(sorted(CHAINS)),
    st.one_of(st.text(), st.text(base58.ALPHABET), st.from_regex(r"\A(0x[0-9a-fA-F]{40}|(bc1|BC1)[0-9a-zA-Z]+)\Z")),
)
def test_any_text_has_a_stable_canonical_form_or_is_refused(chain: str, text: str) -> None:
    if not _refused(chain, text):
        once = canonical(chain, text)
        assert canonical(chain, once) == once


def test_the_chains() -> None:
    assert frozenset({*EVM_CHAINS, "solana", "bitcoin"}) == CHAINS


@pytest.mark.parametrize("chain", ["", "Base", "dogecoin", "base ", "ethereum\n"])
def test_an_unknown_chain_is_refused(chain: str) -> None:
    with pytest.raises(InvalidAddress, match="expected one of the chains arbitrum, avalanche, base"):
        canonical(chain, EIP55_LOWER[0])


@pytest.mark.parametrize("ref", ["", "base", EIP55_LOWER[0], "base/" + EIP55_LOWER[0]])
def test_a_reference_without_a_colon_is_refused(ref: str) -> None:
    with pytest.raises(InvalidAddress, match="expected <chain>:<address>"):
        parse_ref(ref)


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        (":", "one of the chains"),
        (f":{EIP55_LOWER[0]}", "one of the chains"),
        ("base:", "hexadecimal"),
        (f"base::{EIP55_LOWER[0]}", "hexadecimal"),
        (f"solana:base:{EIP55_LOWER[0]}", "32 bytes"),
    ],
)
def test_a_reference_is_split_on_its_first_colon(ref: str, expected: str) -> None:
    with pytest.raises(InvalidAddress, match=expected):
        parse_ref(ref)


@pytest.mark.parametrize("chain", sorted(CHAINS))
@pytest.mark.parametrize("text", ["1" * (MAX_ADDRESS_LENGTH + 1), "z" * 1_000_000, "é", "\ud800", "0x\u0660"])
def test_length_and_ascii_are_checked_first(chain: str, text: str) -> None:
    with pytest.raises(InvalidAddress, match="at most 100 ASCII characters"):
        canonical(chain, text)


@pytest.mark.parametrize("chain", sorted(CHAINS))
def test_a_refusal_never_repeats_the_address(chain: str) -> None:
    with pytest.raises(InvalidAddress) as refusal:
        canonical(chain, "SENTINEL")
    assert "SENTINEL" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def _refused(chain: str, address: str) -> bool:
    try:
        canonical(chain, address)
    except InvalidAddress:
        return True
    return False


def _base58(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, remainder = divmod(number, 58)
        text = base58.ALPHABET[remainder] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def _bech32m(values: list[int]) -> str:
    residue = bech32._residue([*values, 0, 0, 0, 0, 0, 0]) ^ bech32._BECH32M
    checksum = [residue >> shift & 31 for shift in (25, 20, 15, 10, 5, 0)]
    return "bc1" + "".join(bech32.CHARSET[value] for value in (*values, *checksum))
