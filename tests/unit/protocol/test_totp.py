"""One-time codes: which steps are accepted, and what an app is given."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from portcullis.protocol import keys, totp

SECRET = b"12345678901234567890"
NOW = 1_111_111_111
STEP = totp.step_at(NOW)


@pytest.mark.parametrize(
    ("offset", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)], ids=lambda value: str(value)
)
def test_a_code_is_accepted_one_step_either_side(offset: int, accepted: bool) -> None:
    code = totp.code(SECRET, STEP + offset)
    assert totp.matched_step(SECRET, code, NOW) == (STEP + offset if accepted else None)


@pytest.mark.parametrize(
    "given",
    ["", "000000", "0" + totp.code(SECRET, STEP), totp.code(SECRET, STEP)[:5], "\uff11\uff12\uff13\uff14\uff15\uff16"],
)
def test_anything_else_is_not(given: str) -> None:
    assert totp.matched_step(SECRET, given, NOW) is None


def test_there_is_no_step_before_the_first() -> None:
    assert totp.matched_step(SECRET, totp.code(SECRET, 0), 0) == 0


def test_the_uri_names_issuer_account_and_parameters() -> None:
    parts = urlsplit(totp.uri(SECRET, "josé & co (live)"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Portcullis:josé & co (live)"
    assert parse_qs(parts.query) == {
        "secret": ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"],
        "issuer": ["Portcullis"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }


def test_the_message_is_that_of_no_key() -> None:
    approver = "ap_" + "0" * 22
    assert totp.mac_message(approver) != keys.mac_message(approver)


def test_a_short_mac_makes_no_secret() -> None:
    with pytest.raises(ValueError, match="20 bytes"):
        totp.secret_from_mac(b"x" * 19)
