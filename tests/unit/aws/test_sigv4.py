"""Signature Version 4, pinned against botocore's signer."""

from datetime import UTC, datetime
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from portcullis.aws import sigv4
from portcullis.aws.settings import AwsEnvironment

WORDS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/+=", min_size=1, max_size=40)
ENVIRONMENTS = st.builds(
    AwsEnvironment,
    region=st.sampled_from(["us-east-1", "eu-central-1", "ap-southeast-2"]),
    access_key_id=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=16, max_size=20),
    secret_access_key=WORDS,
    session_token=st.none() | WORDS,
    endpoint_url=st.none(),
)
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "x-amz-target", "x-amz-meta-a", "if-none-match", "a"]),
    st.text("abcXYZ019._-/;*", min_size=1, max_size=20),
)
MOMENTS = st.integers(946_684_800, 4_102_444_800)
S3_PATHS = st.text(max_size=20).map(lambda text: "/" + quote(text, safe="/-_.~"))
ENVIRONMENT = AwsEnvironment("us-east-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None, None)


def botocore_headers(
    environment: AwsEnvironment,
    service: str,
    method: str,
    host: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    now: int,
) -> dict[str, str]:
    """What botocore sends; its clock is told the time."""
    signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    credentials = Credentials(environment.access_key_id, environment.secret_access_key, environment.session_token)
    request = AWSRequest(method, f"https://{host}{path}", headers=headers, data=body)
    if service != "s3":
        request.headers["x-amz-content-sha256"] = signer(credentials, service, environment.region).payload(request)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: datetime.fromtimestamp(now, UTC))
        signer(credentials, service, environment.region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


def ours(
    environment: AwsEnvironment,
    service: str,
    method: str,
    host: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    now: int,
) -> dict[str, str]:
    signed = sigv4.signed_headers(environment, service, method, host, path, headers, body, now)
    assert signed.pop("host") == host
    return signed


@settings(max_examples=60)
@given(ENVIRONMENTS, st.sampled_from(["dynamodb", "kms"]), HEADERS, st.binary(max_size=64), MOMENTS)
def test_a_json_call_is_signed_as_botocore_signs_it(
    environment: AwsEnvironment, service: str, headers: dict[str, str], body: bytes, now: int
) -> None:
    request = (environment, service, "POST", f"{service}.{environment.region}.amazonaws.com", "/", headers, body, now)
    assert ours(*request) == botocore_headers(*request)


@settings(max_examples=60)
@given(ENVIRONMENTS, st.sampled_from(["GET", "PUT"]), S3_PATHS, HEADERS, st.binary(max_size=64), MOMENTS)
def test_an_s3_call_is_signed_as_botocore_signs_it(
    environment: AwsEnvironment, method: str, path: str, headers: dict[str, str], body: bytes, now: int
) -> None:
    request = (environment, "s3", method, f"s3.{environment.region}.amazonaws.com", path, headers, body, now)
    assert ours(*request) == botocore_headers(*request)


def test_a_query_is_signed() -> None:
    path = "/bucket?list-type=2&start-after=seg%2F1"
    request = (ENVIRONMENT, "s3", "GET", "s3.us-east-1.amazonaws.com", path, {"a": "b"}, b"", 1_795_242_660)
    assert ours(*request) == botocore_headers(*request)


def test_a_port_is_part_of_the_host() -> None:
    request = (ENVIRONMENT, "s3", "GET", "127.0.0.1:4566", "/bucket/key", {"a": "b"}, b"", 1_795_242_660)
    assert ours(*request) == botocore_headers(*request)


def test_the_callers_headers_are_left_alone() -> None:
    headers = {"content-type": "text/plain"}
    sigv4.signed_headers(ENVIRONMENT, "s3", "GET", "h", "/", headers, b"", 1)
    assert headers == {"content-type": "text/plain"}


def test_the_secret_is_not_sent() -> None:
    signed = sigv4.signed_headers(ENVIRONMENT, "s3", "GET", "h", "/", {}, b"", 1)
    assert ENVIRONMENT.secret_access_key not in str(signed)
