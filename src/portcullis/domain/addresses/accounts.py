"""The account an address names: ``<chain>:<canonical address>``, the same text for every spelling of it.

    EVM chains  lower-case hex after 0x; mixed case only with a right checksum (EIP-55)
    solana      base58 of the 32 bytes of a public key, as it is
    bitcoin     mainnet: P2PKH, P2SH (base58check, BIP-13) as they are; segwit (BIP-173, 350) in lower case

https://eips.ethereum.org/EIPS/eip-55, https://github.com/bitcoin/bips
"""

import re
from collections.abc import Callable

from portcullis.domain.addresses import base58, bech32
from portcullis.domain.addresses.keccak import keccak_256

MAX_ADDRESS_LENGTH = 100

_EVM = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_SOLANA_KEY_BYTES = 32
_HASH160_BYTES = 20
_BASE58_VERSIONS = (0x00, 0x05)  # P2PKH and P2SH of mainnet; a testnet's are 0x6f and 0xc4


class InvalidAddress(ValueError):
    """Not an address of the chain. The message says what is expected and never repeats the text."""


def canonical(chain: str, address: str) -> str:
    """The form of ``address`` in which two addresses of ``chain`` are compared, or InvalidAddress."""
    if len(address) > MAX_ADDRESS_LENGTH or not address.isascii():
        raise InvalidAddress(f"expected an address of at most {MAX_ADDRESS_LENGTH} ASCII characters")
    parse = _PARSERS.get(chain)
    if parse is None:
        raise InvalidAddress(f"expected one of the chains {', '.join(sorted(CHAINS))}")
    return parse(address)


def account_ref(chain: str, address: str) -> str:
    """``<chain>:<canonical address>``."""
    return f"{chain}:{canonical(chain, address)}"


def parse_ref(ref: str) -> str:
    """The canonical reference of ``<chain>:<address>``, or InvalidAddress."""
    chain, separator, address = ref.partition(":")
    if not separator:
        raise InvalidAddress("expected <chain>:<address>")
    return account_ref(chain, address)


def evm_checksum(address: str) -> str:
    """An EVM address with the mixed case of EIP-55. A wrong mixed case is refused, not corrected."""
    return _with_checksum(_evm(address))


def _evm(address: str) -> str:
    if not _EVM.fullmatch(address):
        raise InvalidAddress("expected 0x and 40 hexadecimal digits")
    lower = address.lower()
    one_case = address in (lower, f"0x{address[2:].upper()}")
    if not one_case and address != _with_checksum(lower):
        raise InvalidAddress("the EIP-55 checksum, which is the mixed case of the letters, does not match")
    return lower


def _with_checksum(lower: str) -> str:
    """EIP-55: a letter is upper case where the same hex digit of the hash of the 40 digits is 8 or more."""
    digits = lower[2:]
    hashed = keccak_256(digits.encode("ascii")).hex()[: len(digits)]
    return "0x" + "".join(d.upper() if h >= "8" else d for d, h in zip(digits, hashed, strict=True))


def _solana(address: str) -> str:
    try:
        base58.decode(address, _SOLANA_KEY_BYTES)
    except ValueError:
        raise InvalidAddress("expected a Solana address: base58 of exactly 32 bytes") from None
    return address


def _bitcoin(address: str) -> str:
    try:
        segwit = address.lower().startswith(bech32.MAINNET_PREFIX)
        return _segwit(address) if segwit else _base58check(address)
    except ValueError:
        raise InvalidAddress(
            "expected a Bitcoin mainnet address, checksum included: from 1 or 3 (base58check) or bc1 (segwit)"
        ) from None


def _segwit(address: str) -> str:
    bech32.decode_segwit(address)
    return address.lower()


def _base58check(address: str) -> str:
    if base58.decode_check(address, 1 + _HASH160_BYTES)[0] not in _BASE58_VERSIONS:
        raise ValueError("not of mainnet")
    return address


_EVM_CHAINS = ("ethereum", "base", "arbitrum", "optimism", "polygon", "avalanche")
_PARSERS: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(_EVM_CHAINS, _evm),
    "solana": _solana,
    "bitcoin": _bitcoin,
}
CHAINS: frozenset[str] = frozenset(_PARSERS)
REF_SCHEMA = {"pattern": f"^({'|'.join(_PARSERS)}):[0-9A-Za-z]{{1,{MAX_ADDRESS_LENGTH}}}$"}
