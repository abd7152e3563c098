"""A condition on `aws:PrincipalArn` sees the role, not its session."""

import pytest

from local.emulator.principal_arn import role_arn


@pytest.mark.parametrize(
    ("principal", "seen"),
    [
        ("arn:aws:sts::000000000000:assumed-role/reader/session", "arn:aws:iam::000000000000:role/reader"),
        ("arn:aws:iam::000000000000:user/operator", "arn:aws:iam::000000000000:user/operator"),
        ("arn:aws:iam::000000000000:root", "arn:aws:iam::000000000000:root"),
    ],
)
def test_a_session_is_its_role(principal: str, seen: str) -> None:
    assert role_arn(principal) == seen
