"""What is read from an event of API Gateway."""

import pytest

from portcullis.aws import proxy

HEADER = "CloudFront-Viewer-Country"


@pytest.mark.parametrize("name", [HEADER, HEADER.lower()])
def test_the_country_is_what_the_trusted_header_says(name: str) -> None:
    assert proxy.country({"multiValueHeaders": {name: ["NL"]}}, HEADER) == "NL"


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"X-Country": ["NL"]},
        {HEADER: []},
        {HEADER: ["NL", "NL"]},
        {HEADER: ["NL"], HEADER.lower(): ["BR"]},
        *({HEADER: [text]} for text in ("", "nl", "N", "NLD", "N1", "NL,BR", "NL\n", " NL", "\uff2e\uff2c")),
    ],
)
def test_anything_else_is_no_country(headers: dict[str, list[str]] | None) -> None:
    assert proxy.country({"multiValueHeaders": headers}, HEADER) is None


def test_no_header_is_trusted_unless_one_is_named() -> None:
    assert proxy.country({"multiValueHeaders": {HEADER: ["NL"]}}, None) is None
