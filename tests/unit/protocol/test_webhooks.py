"""Webhooks are signed as every library of Standard Webhooks verifies it."""

import pytest

from portcullis.protocol.webhooks import signed_headers

# The vector that the libraries of the specification test with:
# https://github.com/standard-webhooks/standard-webhooks (libraries, "sign function works")
SECRET, ID, TIMESTAMP = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
BODY, SIGNATURE = b'{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", [SECRET, f"whsec_{SECRET}"])
def test_the_published_vector(secret: str) -> None:
    assert signed_headers(secret, ID, TIMESTAMP, BODY) == {
        "webhook-id": ID,
        "webhook-timestamp": str(TIMESTAMP),
        "webhook-signature": SIGNATURE,
    }


@pytest.mark.parametrize(
    "changed", [(SECRET[::-1], ID, TIMESTAMP, BODY), (SECRET, ID + "x", TIMESTAMP, BODY), (SECRET, ID, 1, BODY)]
)
def test_the_signature_covers_secret_id_and_instant(changed: tuple[str, str, int, bytes]) -> None:
    assert signed_headers(*changed)["webhook-signature"] != SIGNATURE


def test_a_secret_that_is_no_base64_signs_nothing() -> None:
    with pytest.raises(ValueError, match="base64"):
        signed_headers("not base64!", ID, TIMESTAMP, BODY)
