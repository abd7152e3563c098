"""Addresses by chain: one canonical form of each, for comparison. Standard library only."""

from portcullis.domain.addresses.accounts import (
    CHAINS,
    MAX_ADDRESS_LENGTH,
    REF_SCHEMA,
    InvalidAddress,
    account_ref,
    canonical,
    evm_checksum,
    parse_ref,
)

__all__ = [
    "CHAINS",
    "MAX_ADDRESS_LENGTH",
    "REF_SCHEMA",
    "InvalidAddress",
    "account_ref",
    "canonical",
    "evm_checksum",
    "parse_ref",
]
