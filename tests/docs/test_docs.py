"""What the documentation says of the code is compared with the code."""

import base64
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portcullis.cli.main import app
from portcullis.domain import transaction
from portcullis.domain.decisions import RULES
from portcullis.protocol import message_signatures, signing, strict_json, webhooks
from portcullis.protocol.problems import PROBLEMS

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def test_every_code_and_rule_is_documented_and_no_other() -> None:
    page = (ROOT / "docs/errors.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (?:(\d+) \| )?(.+) \|$", page, re.MULTILINE)
    expected = [(code, str(problem.status), problem.detail) for code, problem in PROBLEMS.items()]
    assert rows == expected + [(rule, "", detail) for rule, detail in RULES.items()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", page.read_text()) if not link.startswith("https://")]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_the_signing_example_signs_as_the_protocol_does() -> None:
    (example,) = re.findall(r"```python\n(.+?)```", (ROOT / "docs/signing.md").read_text(), re.DOTALL)
    namespace: dict[str, object] = {}
    exec(example, namespace)  # noqa: S102 the page's own code is what is tested
    sign = namespace["sign"]
    assert callable(sign)
    headers = sign("pk", "sk_secret", "POST", "/live/v1/transactions?a=1", b"{}")
    values = [headers[name] for name in signing.CREDENTIAL_HEADERS]
    expected = signing.string_to_sign("POST", "/live/v1/transactions", "a=1", values[1], values[2], values[3])
    assert signing.matches("sk_secret", expected, values[4])


def test_the_message_signature_example_signs_as_the_protocol_does() -> None:
    page = (ROOT / "docs/message-signatures.md").read_text()
    namespace: dict[str, object] = {}
    exec(re.findall(r"```python\n(.+?)```", page, re.DOTALL)[0], namespace)  # noqa: S102 the page's own code is tested
    sign = namespace["sign"]
    assert callable(sign)
    headers = sign("pk", "sk_secret", "POST", "api.example.com", "/live/v1/transactions", "a=1&b=2", b'{"amount":"1"}')
    fields = {name.lower(): [value] for name, value in {"Host": "api.example.com", **headers}.items()}
    presented = message_signatures.read(message_signatures.Message("POST", "/live/v1/transactions", "a=1&b=2", fields))
    assert presented.digest == signing.body_digest(b'{"amount":"1"}')
    assert signing.matches("sk_secret", presented.base, presented.signature.hex())
    (shown,) = re.findall(r'```\n("@method".+?\n)"@signature-params', page, re.DOTALL)
    assert presented.base.startswith(shown)


def test_the_webhook_example_takes_what_is_signed_and_nothing_else() -> None:
    (example,) = re.findall(r"```python\n(.+?)```", (ROOT / "docs/notifications.md").read_text(), re.DOTALL)
    namespace: dict[str, object] = {}
    exec(example, namespace)  # noqa: S102 the page's own code is what is tested
    verify = namespace["verify"]
    assert callable(verify)
    secret, body, now = base64.b64encode(b"k" * 33).decode(), b'{"id":"in_1#1"}', int(time.time())
    headers = webhooks.signed_headers(secret, "in_1#1", now, body)
    assert verify(f"whsec_{secret}", headers, body)
    assert not verify(secret, headers, body + b" ")
    assert not verify(secret, webhooks.signed_headers(secret, "in_1#1", now - 400, body), body)


def test_every_make_target_and_command_named_in_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)\b(?! sure)", readme)) <= targets
    commands = {group.name for group in app.registered_groups} | {command.name for command in app.registered_commands}
    assert set(re.findall(r"\.venv/bin/portcullis ([a-z]+[a-z-]*)", readme)) <= commands


def test_help_works_without_a_gateway(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("portcullis")), "agent", "--help"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "sign-and-send" in shown.stdout


def test_the_bounds_of_a_body_are_those_documented() -> None:
    page = (ROOT / "docs/input.md").read_text()
    bounds = {
        "size of a body": {strict_json.MAX_BODY_BYTES, strict_json.MAX_POLICY_BYTES},
        "JSON": {strict_json.MAX_DEPTH},
        "numbers": {strict_json.MAX_INTEGER_DIGITS},
        "fields": {strict_json.MAX_FIELD_LENGTH},
        "`memo`": {transaction.MAX_MEMO_BYTES},
        "content of a transaction": {transaction.MAX_CONTENT_BYTES},
    }
    rows = dict(re.findall(r"^\| (.+?) \| (.+) \|$", page, re.MULTILINE))
    for part, expected in bounds.items():
        assert {str(number) for number in expected} <= set(re.findall(r"\d+", rows[part])), part
